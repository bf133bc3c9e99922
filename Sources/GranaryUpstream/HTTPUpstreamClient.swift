import AsyncHTTPClient
package import GranaryPorts
import HTTPTypes
import NIOCore
import NIOHTTP1
package import NIOPosix
import Synchronization

/// Asks other servers by AsyncHTTPClient.
///
/// A name is resolved here, so that the address that is checked is the one that is connected to: there is a client, with its
/// connections, for each server and address.
package final class HTTPUpstreamClient: UpstreamClient {
    package static let maximumRedirects = 5
    /// Until a connection stands.
    private static let connectTimeout = TimeAmount.seconds(10)
    /// Between two pieces of an answer, and until the first one.
    private static let readTimeout = TimeAmount.seconds(30)
    /// For so long the address of a name is taken as known.
    private static let resolutionLifetime = Duration.seconds(30)

    private struct Server {
        let client: HTTPClient
        let address: String
        let resolvedAt: ContinuousClock.Instant
    }

    private struct State {
        var servers: [String: Server] = [:]
        /// Clients of addresses that names had before; their transfers go on.
        var retired: [HTTPClient] = []
        var isShutDown = false
    }

    private let state = Mutex(State())
    private let tokens = BearerTokens()
    private let pool: NIOThreadPool
    private let readTimeout: TimeAmount

    /// Names are resolved on `pool`. A shorter `readTimeout` is for tests.
    package init(pool: NIOThreadPool, readTimeout: Duration? = nil) {
        self.pool = pool
        self.readTimeout = readTimeout.map { .init($0) } ?? Self.readTimeout
    }

    /// Ends all connections. Nothing can be sent after.
    package func shutDown() async {
        let clients = state.withLock { state in
            defer { state = State(isShutDown: true) }
            return state.servers.values.map(\.client) + state.retired
        }
        for client in clients { try? await client.shutdown() }
    }

    package func send(_ request: UpstreamRequest) async throws(UpstreamFailure) -> UpstreamAnswer {
        let first = try await attempt(request)
        guard first.status == .unauthorized, let challenge = BearerChallenge(first.headers),
            let token = try await token(for: challenge, request)
        else { return first }
        var again = request
        again.headers[.authorization] = "Bearer \(token)"
        return try await attempt(again)
    }

    // MARK: Redirects

    private func attempt(_ request: UpstreamRequest) async throws(UpstreamFailure) -> UpstreamAnswer {
        guard var target = UpstreamURL(request.url) else {
            throw .refused("'\(request.url)' is no address of a server")
        }
        let origin = target.origin
        for _ in 0...Self.maximumRedirects {
            let answer = try await once(request, target, isFirst: target.origin == origin)
            guard [301, 302, 303, 307, 308].contains(answer.status.code), let location = answer.headers[.location]
            else {
                return answer
            }
            guard let next = target.following(location) else { throw .refused("a redirect leads to no address") }
            guard !(target.isSecure && !next.isSecure) else { throw .refused("a redirect gives up TLS") }
            target = next
        }
        throw .refused("there are more than \(Self.maximumRedirects) redirects")
    }

    private func once(
        _ request: UpstreamRequest, _ target: UpstreamURL, isFirst: Bool
    ) async throws(UpstreamFailure) -> UpstreamAnswer {
        let client = try await client(for: target, allowsPrivate: request.allowsPrivateAddresses)
        var outgoing = HTTPClientRequest(url: target.text)
        outgoing.method = HTTPMethod(rawValue: request.method.rawValue)
        for field in request.headers where isFirst || field.name != .authorization {
            outgoing.headers.add(name: field.name.rawName, value: field.value)
        }
        if request.headers[.authorization] == nil, let authorization = authorization(request, target) {
            outgoing.headers.add(name: "Authorization", value: authorization)
        }
        if !outgoing.headers.contains(name: "User-Agent") { outgoing.headers.add(name: "User-Agent", value: "Granary") }
        if request.body.readableBytes > 0 { outgoing.body = .bytes(request.body) }
        do {
            // Only silence ends a transfer: `read` of the configuration, not a deadline for the whole.
            let response = try await client.execute(outgoing, deadline: .distantFuture)
            var headers = HTTPFields()
            for (name, value) in response.headers {
                if let name = HTTPField.Name(name) { headers.append(HTTPField(name: name, value: value)) }
            }
            return UpstreamAnswer(
                status: .init(code: Int(response.status.code)), headers: headers, url: target.text, body: response.body)
        } catch let error as HTTPClientError {
            throw Self.failure(error)
        } catch {
            throw .unreachable("\(error)")
        }
    }

    private static func failure(_ error: HTTPClientError) -> UpstreamFailure {
        switch error {
        case .connectTimeout, .readTimeout, .writeTimeout, .deadlineExceeded, .getConnectionFromPoolTimeout: .timedOut
        default: .unreachable(error.shortDescription)
        }
    }

    // MARK: Credentials

    private func authorization(_ request: UpstreamRequest, _ target: UpstreamURL) -> String? {
        if let token = tokens.find(target.origin, request) { return "Bearer \(token)" }
        guard let credential = request.credential, UpstreamURL(credential.server)?.origin == target.origin else {
            return nil
        }
        guard let user = credential.user else { return "Bearer \(credential.secret)" }
        return basic(user, credential.secret)
    }

    /// The token dance (distribution specification, "Token Authentication"): anonymous where there is no credential.
    private func token(
        for challenge: BearerChallenge, _ request: UpstreamRequest
    ) async throws(UpstreamFailure) -> String? {
        guard let origin = UpstreamURL(request.url)?.origin, let url = challenge.url else { return nil }
        var asking = UpstreamRequest(.get, url, allowsPrivateAddresses: request.allowsPrivateAddresses)
        if let credential = request.credential, UpstreamURL(credential.server)?.origin == origin,
            let user = credential.user
        {
            asking.headers[.authorization] = basic(user, credential.secret)
        }
        let answer = try await attempt(asking)
        guard answer.status == .ok else { return nil }
        guard let token = await BearerTokens.Token(answer.body) else { return nil }
        tokens.keep(token, origin, request)
        return token.text
    }

    // MARK: Servers

    private func client(
        for target: UpstreamURL, allowsPrivate: Bool
    ) async throws(UpstreamFailure) -> HTTPClient {
        let now = ContinuousClock.now
        let known = state.withLock { $0.servers[target.origin] }
        if let known, known.resolvedAt.advanced(by: Self.resolutionLifetime) > now {
            try check(known.address, target, allowsPrivate)
            return known.client
        }
        let address = try await resolve(target)
        try check(address, target, allowsPrivate)
        return try state.withLock { state throws(UpstreamFailure) in
            guard !state.isShutDown else { throw .unreachable("the server is stopping") }
            if let known = state.servers[target.origin] {
                if known.address == address {
                    state.servers[target.origin] = Server(client: known.client, address: address, resolvedAt: now)
                    return known.client
                }
                state.retired.append(known.client)
            }
            let client = makeClient(target.host, address)
            state.servers[target.origin] = Server(client: client, address: address, resolvedAt: now)
            return client
        }
    }

    private func check(_ address: String, _ target: UpstreamURL, _ allowsPrivate: Bool) throws(UpstreamFailure) {
        guard allowsPrivate || AddressRules.isPublic(address) else {
            throw .refused("\(target.host) has the address \(address), which is not a public one")
        }
    }

    private func resolve(_ target: UpstreamURL) async throws(UpstreamFailure) -> String {
        do {
            let socket = try await pool.runIfActive {
                try SocketAddress.makeAddressResolvingHost(target.host, port: target.port)
            }
            guard let address = socket.ipAddress else { throw UpstreamFailure.unreachable("no address") }
            return address
        } catch let failure as UpstreamFailure {
            throw failure
        } catch {
            throw .unreachable("the name '\(target.host)' is not known")
        }
    }

    private func makeClient(_ host: String, _ address: String) -> HTTPClient {
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow,
            timeout: .init(connect: Self.connectTimeout, read: readTimeout), decompression: .disabled)
        configuration.dnsOverride = [host: address]
        configuration.httpVersion = .http1Only
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 32
        configuration.connectionPool.retryConnectionEstablishment = false
        // Each piece of a body costs a few wake-ups on its way through, however long it is.
        configuration.http1_1ConnectionDebugInitializer = { channel in
            channel.setOption(
                .recvAllocator,
                value: AdaptiveRecvByteBufferAllocator(minimum: 2048, initial: 16384, maximum: 256 << 10))
        }
        return HTTPClient(
            eventLoopGroupProvider: .shared(MultiThreadedEventLoopGroup.singleton), configuration: configuration)
    }
}

private func basic(_ user: String, _ secret: String) -> String {
    "Basic \(base64Text("\(user):\(secret)"))"
}
