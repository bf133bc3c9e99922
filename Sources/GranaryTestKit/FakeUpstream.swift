import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// A server of a test's making that other servers ask, and that misbehaves as it is told to.
package final class FakeUpstream: Sendable {
    /// A request as it came.
    package struct Request: Sendable {
        package let method: String
        /// With its query.
        package let path: String
        package let body: [UInt8]
        fileprivate let headers: HTTPHeaders

        /// The first field of a name.
        package subscript(name: String) -> String? { headers.first(name: name) }
    }

    /// What is done about a request.
    package enum Answer: Sendable {
        case respond(Int, [String: String] = [:], [UInt8] = [])
        /// The body in pieces, each sent once the turnstile of that name is open.
        case pieces([[UInt8]], gate: Gate)
        /// Says that all of it comes, and closes after so many bytes.
        case cut([UInt8], after: Int)
        /// Closes without a word.
        case close
        /// Says nothing, and stays.
        case silence
    }

    /// Holds pieces back until it is opened.
    package final class Gate: Sendable {
        private let state = Mutex<(isOpen: Bool, waiters: [CheckedContinuation<Void, Never>])>((false, []))

        package init() {}

        /// Lets everything through, from now on.
        package func open() {
            let waiters = state.withLock { state in
                defer { state = (true, []) }
                return state.waiters
            }
            for waiter in waiters { waiter.resume() }
        }

        fileprivate func pass() async {
            await withCheckedContinuation { continuation in
                let isOpen = state.withLock { state in
                    if !state.isOpen { state.waiters.append(continuation) }
                    return state.isOpen
                }
                if isOpen { continuation.resume() }
            }
        }
    }

    private struct State {
        var requests: [Request] = []
        var handler: @Sendable (Request) -> Answer
    }

    private let state: Mutex<State>
    package let port: Int

    /// `http://127.0.0.1:port/`
    package var url: String { "http://127.0.0.1:\(port)/" }

    /// All that were received, in order.
    package var requests: [Request] { state.withLock { $0.requests } }

    /// How many were for a path.
    package func count(_ path: String) -> Int { requests.count { $0.path == path } }

    /// Answers in another way from now on.
    package func answer(_ handler: @escaping @Sendable (Request) -> Answer) {
        state.withLock { $0.handler = handler }
    }

    private init(port: Int, state: State) {
        self.port = port
        self.state = Mutex(state)
    }

    /// Serves while `body` runs.
    package static func run<Value: Sendable>(
        _ handler: @escaping @Sendable (Request) -> Answer,
        _ body: @Sendable (FakeUpstream) async throws -> Value
    ) async throws -> Value {
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .bind(host: "127.0.0.1", port: 0) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    return try NIOAsyncChannel<HTTPServerRequestPart, HTTPServerResponsePart>(
                        wrappingChannelSynchronously: channel)
                }
            }
        let upstream = FakeUpstream(
            port: channel.channel.localAddress?.port ?? 0, state: State(handler: handler))
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await channel.executeThenClose { connections in
                    try await withThrowingDiscardingTaskGroup { group in
                        for try await connection in connections {
                            group.addTask { try? await upstream.serve(connection) }
                        }
                    }
                }
            }
            let value: Result<Value, any Error>
            do {
                value = .success(try await body(upstream))
            } catch {
                value = .failure(error)
            }
            group.cancelAll()
            return try value.get()
        }
    }

    private func serve(_ connection: NIOAsyncChannel<HTTPServerRequestPart, HTTPServerResponsePart>) async throws {
        try await connection.executeThenClose { inbound, outbound in
            var head: HTTPRequestHead?
            var body: [UInt8] = []
            for try await part in inbound {
                switch part {
                case .head(let received): (head, body) = (received, [])
                case .body(let bytes): body += bytes.readableBytesView
                case .end: break
                }
                guard case .end = part, let asked = head else { continue }
                let request = Request(
                    method: asked.method.rawValue, path: asked.uri, body: body, headers: asked.headers)
                let handler = state.withLock { state in
                    state.requests.append(request)
                    return state.handler
                }
                guard try await perform(handler(request), asked, outbound) else { return }
            }
        }
    }

    /// False closes the connection.
    private func perform(
        _ answer: Answer, _ request: HTTPRequestHead, _ out: NIOAsyncChannelOutboundWriter<HTTPServerResponsePart>
    ) async throws -> Bool {
        switch answer {
        case .respond(let status, let fields, let body):
            var headers = HTTPHeaders(fields.map { ($0.key, $0.value) })
            if status != 304 { headers.replaceOrAdd(name: "Content-Length", value: "\(body.count)") }
            try await out.write(.head(.init(version: .http1_1, status: .init(statusCode: status), headers: headers)))
            if !body.isEmpty, request.method != .HEAD { try await out.write(.body(.byteBuffer(.init(bytes: body)))) }
            try await out.write(.end(nil))
        case .pieces(let pieces, let gate):
            let headers: HTTPHeaders = ["Content-Length": "\(pieces.reduce(0) { $0 + $1.count })"]
            try await out.write(.head(.init(version: .http1_1, status: .ok, headers: headers)))
            for (index, piece) in pieces.enumerated() {
                if index > 0 { await gate.pass() }
                try await out.write(.body(.byteBuffer(.init(bytes: piece))))
            }
            try await out.write(.end(nil))
        case .cut(let body, let count):
            let headers: HTTPHeaders = ["Content-Length": "\(body.count)"]
            try await out.write(.head(.init(version: .http1_1, status: .ok, headers: headers)))
            try await out.write(.body(.byteBuffer(.init(bytes: body.prefix(count)))))
            return false
        case .close:
            return false
        case .silence:
            try await Task.sleep(for: .seconds(60))
            return false
        }
        return request.isKeepAlive
    }
}
