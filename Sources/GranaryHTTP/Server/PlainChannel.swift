import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1

/// A connection that speaks HTTP/1.1 without TLS, on which the kernel can send files.
struct PlainChannel: HTTPChannelHandler {
    typealias Value = NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>

    let settings: ListenerSettings
    let answering: Responder

    var responder: HTTPChannelHandler.Responder {
        { [answering] request, writer, channel in
            try await answering.respond(to: request, writer, channel, sendsFiles: true)
        }
    }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            try channel.syncOptions?.setOption(.recvAllocator, value: ReceiveBuffers())
            try channel.syncOptions?.setOption(.maxMessagesPerRead, value: 1)
            let pipeline = channel.pipeline.syncOperations
            // Requests that come before the last answer wait in the asynchronous channel, and so does backpressure.
            try pipeline.configureHTTPServerPipeline(
                withPipeliningAssistance: false, withErrorHandling: false, withOutboundHeaderValidation: false,
                withEncoderConfiguration: .init(), withDecoderLimitConfiguration: HTTPServer.decoderLimits)
            try pipeline.addHandlers([
                FileSender(), HTTP1ToHTTPServerCodec(secure: false),
                UnfinishedRequestHandler(lingering: settings.lingering),
                HTTPConnectionStateHandler(idleTimeout: settings.idleTimeout, logger: logger),
                HotReads(responder: answering)
            ])
            return try NIOAsyncChannel(
                wrappingChannelSynchronously: channel,
                configuration: .init(
                    backPressureStrategy: .init(lowWatermark: 1, highWatermark: 4),
                    isOutboundHalfClosureEnabled: true))
        }
    }

    func handle(value: Value, logger: Logger) async { await handleHTTP(asyncChannel: value, logger: logger) }
}

/// A kind of connection whose requests are answered on the thread of its event loop.
struct LoopBound<Base: ServerChildChannel>: ServerChildChannel {
    let base: Base
    let executors: LoopExecutors

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Base.Value> {
        base.setup(channel: channel, logger: logger)
    }

    func handle(value: Base.Value, logger: Logger) async {
        await withTaskExecutorPreference(executors[value.channel.eventLoop]) {
            await base.handle(value: value, logger: logger)
        }
    }
}
