import HummingbirdCore
import HummingbirdHTTP2
package import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
package import NIOSSL
package import ServiceLifecycle

/// Where and how the server listens.
package struct ListenerSettings: Sendable {
    package let host: String
    /// 0 lets the system choose.
    package let port: Int
    /// Nil serves plain HTTP.
    package let tls: TLSConfiguration?
    /// A body that goes on after its answer is read for as long.
    package let lingering: Duration

    package init(
        host: String, port: Int, tls: TLSConfiguration?, lingering: Duration = .seconds(30)
    ) {
        self.host = host
        self.port = port
        self.tls = tls
        self.lingering = lingering
    }
}

/// HTTP/1.1, and with TLS also HTTP/2, on one socket.
package enum HTTPServer {
    /// Of one header line, in bytes. Tokens are the longest there are.
    static let maximumHeaderBytes = 32 << 10
    /// Of all header lines together.
    static let maximumHeaderListBytes = 64 << 10
    static let maximumHeaderCount = 200

    static var decoderLimits: NIOHTTPDecoderLimitConfiguration {
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = maximumHeaderBytes
        limits.maxHeaderListSize = maximumHeaderListBytes
        limits.maxHeaderFieldCount = maximumHeaderCount
        return limits
    }

    /// The service that listens; `onRunning` is told the port once it does.
    package static func service(
        _ settings: ListenerSettings, responder: Responder, logger: Logger,
        onRunning: @escaping @Sendable (Int) async -> Void
    ) throws -> any Service {
        let group = MultiThreadedEventLoopGroup.singleton
        let connections = Connections(responder.admission.limits, metrics: responder.limitMetrics, group: group)
        func service(_ kind: some ServerChildChannel) -> any Service {
            let limited = LimitedChannel(
                base: kind, executors: LoopExecutors(group), connections: connections, isPlain: settings.tls == nil)
            return limited.server(
                configuration: ServerConfiguration(
                    address: .hostname(settings.host, port: settings.port), backlog: 1024),
                onServerRunning: { channel in await onRunning(channel.localAddress?.port ?? settings.port) },
                eventLoopGroup: group, logger: logger)
        }
        guard let tls = settings.tls else { return service(PlainChannel(settings: settings, answering: responder)) }
        return service(try secureChannel(tls, settings, responder))
    }

    /// TLS, and in it HTTP/1.1 or HTTP/2. Bytes go through buffers, to be encrypted.
    private static func secureChannel(
        _ tls: TLSConfiguration, _ settings: ListenerSettings, _ responder: Responder
    ) throws -> HTTP2UpgradeChannel {
        let idleTimeout = responder.admission.limits.idleTimeout
        let channel = HTTP1Channel.Configuration(
            additionalChannelHandlers: [RequestBounds(lingering: settings.lingering)],
            idleTimeout: TimeAmount(idleTimeout),
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: maximumHeaderBytes, maxHeaderListSize: maximumHeaderListBytes,
                maxHeaderFieldCount: maximumHeaderCount))
        return try HTTP2UpgradeChannel(
            tlsConfiguration: tls,
            configuration: .init(idleTimeout: idleTimeout, streamConfiguration: channel)
        ) { request, writer, channel in
            try await responder.respond(to: request, writer, channel, sendsFiles: false)
        }
    }
}
