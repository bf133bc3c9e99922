import HummingbirdCore
import HummingbirdHTTP2
package import Logging
import NIOCore
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
    /// A connection on which nothing arrives for as long, and that waits for no answer, is closed.
    package let idleTimeout: Duration
    /// A body that goes on after its answer is read for as long.
    package let lingering: Duration

    package init(
        host: String, port: Int, tls: TLSConfiguration?, idleTimeout: Duration = .seconds(75),
        lingering: Duration = .seconds(30)
    ) {
        self.host = host
        self.port = port
        self.tls = tls
        self.idleTimeout = idleTimeout
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

    /// The service that listens; `onRunning` is told the port once it does.
    package static func service(
        _ settings: ListenerSettings, responder: Responder, logger: Logger,
        onRunning: @escaping @Sendable (Int) async -> Void
    ) throws -> any Service {
        let channel = HTTP1Channel.Configuration(
            additionalChannelHandlers: [UnfinishedRequestHandler(lingering: settings.lingering)],
            idleTimeout: TimeAmount(settings.idleTimeout),
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: maximumHeaderBytes, maxHeaderListSize: maximumHeaderListBytes,
                maxHeaderFieldCount: maximumHeaderCount))
        let builder: HTTPServerBuilder
        if let tls = settings.tls {
            builder = try .http2Upgrade(
                tlsConfiguration: tls,
                configuration: .init(idleTimeout: settings.idleTimeout, streamConfiguration: channel))
        } else {
            builder = .http1(configuration: channel)
        }
        return try builder.buildServer(
            configuration: ServerConfiguration(
                address: .hostname(settings.host, port: settings.port), backlog: 1024),
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger,
            responder: { request, writer, channel in
                try await responder.respond(to: request, writer, channel)
            },
            onServerRunning: { channel in await onRunning(channel.localAddress?.port ?? settings.port) })
    }
}
