import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes

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
            try channel.syncOptions?.setOption(.recvAllocator, value: ReceiveBuffers(admission: answering.admission))
            try channel.syncOptions?.setOption(.maxMessagesPerRead, value: 1)
            let pipeline = channel.pipeline.syncOperations
            let watch = try pipeline.handler(type: ConnectionWatch.self)
            // Requests that come before the last answer wait in the asynchronous channel, and so does backpressure.
            try pipeline.configureHTTPServerPipeline(
                withPipeliningAssistance: false, withErrorHandling: false, withOutboundHeaderValidation: false,
                withEncoderConfiguration: .init(), withDecoderLimitConfiguration: HTTPServer.decoderLimits)
            try pipeline.addHandlers([
                FileSender(),
                HTTP1Codec(responder: answering, watch: watch, peer: channel.remoteAddress?.ipAddress ?? "-"),
                RequestBounds(lingering: settings.lingering)
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
