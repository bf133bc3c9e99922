import AsyncHTTPClient
package import GranaryPorts
import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// Asks other servers by AsyncHTTPClient.
///
/// A name is resolved here, so that the address that is checked is the one that is connected to: there are connections for each
/// server and address.
package final class HTTPUpstreamClient: UpstreamClient {
    package static let maximumRedirects = 5
    /// Between two pieces of an answer, and until the first one.
    private static let readTimeout = TimeAmount.seconds(30)
    /// For so long the address of a name is taken as known.
    private static let resolutionLifetime = Duration.seconds(30)

    /// Beyond so many servers, those that nobody has looked up lately are forgotten.
    private static let maximumServers = 1024

    private struct Server {
        let connections: ServerConnections
        let resolvedAt: ContinuousClock.Instant
    }

    private struct State {
        var servers: [String: Server] = [:]
        var isShutDown = false
    }

    private let state = Mutex(State())
    private let tokens = BearerTokens()
    private let names = NameResolver(group: MultiThreadedEventLoopGroup.singleton)
    private let readTimeout: TimeAmount

    /// A shorter `readTimeout` is for tests.
    package init(readTimeout: Duration? = nil) {
        self.readTimeout = readTimeout.map { .init($0) } ?? Self.readTimeout
    }

    /// Ends all connections that are at hand; others end with their transfers. Nothing can be sent after.
    package func shutDown() async {
        let servers = state.withLock { state in
            defer { state = State(isShutDown: true) }
            return state.servers.values.map(\.connections)
        }
        for connections in servers { await connections.shutDown() }
        await names.shutDown()
    }

    package func send(_ request: UpstreamRequest) async throws(UpstreamFailure) -> UpstreamAnswer {
        var first = try await attempt(request)
        // Only who was asked may say where a credential for it is to be taken, not whom it sends us to.
        guard let asked = UpstreamURL(request.url), UpstreamURL(first.url)?.origin == asked.origin else { return first }
        guard first.status == .unauthorized, let challenge = BearerChallenge(first.headers) else {
            if tokens.find(asked.origin, request) != nil {
                first.refusesPlaceOnly = await first.refusesPlace(of: asked)
            }
            return first
        }
        switch try await token(for: challenge, of: asked, request) {
        case .issued(let token):
            var again = request
            again.headers[.authorization] = "Bearer \(token)"
            var answer = try await attempt(again)
            answer.refusesPlaceOnly = await answer.refusesPlace(of: asked)
            return answer
        case .refused:
            first.refusesPlaceOnly = true
            return first
        case .none: return first
        }
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
        let connections = try await connections(to: target, allowsPrivate: request.allowsPrivateAddresses)
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
            // Silence ends a transfer, and too low a rate (`AnswerBody`); there is no deadline for the whole.
            let response = try await connections.client.execute(outgoing, deadline: .distantFuture)
            var headers = HTTPFields()
            for (name, value) in response.headers {
                if let name = HTTPField.Name(name) { headers.append(HTTPField(name: name, value: value)) }
            }
            return UpstreamAnswer(
                status: .init(code: Int(response.status.code)), headers: headers, url: target.text,
                body: AnswerBody(body: response.body, connections: connections))
        } catch let error as HTTPClientError {
            throw Self.failure(error)
        } catch {
            throw .unreachable("\(error)")
        }
    }

    private static func failure(_ error: HTTPClientError) -> UpstreamFailure {
        switch error {
        case .getConnectionFromPoolTimeout: .crowded
        case .connectTimeout, .readTimeout, .writeTimeout, .deadlineExceeded: .timedOut
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

    /// What comes of asking for a token.
    private enum TokenOutcome {
        case issued(String)
        /// There is none for this.
        case refused
        case none
    }

    /// The token dance (distribution specification, "Token Authentication"): anonymous where there is no credential.
    private func token(
        for challenge: BearerChallenge, of asked: UpstreamURL, _ request: UpstreamRequest
    ) async throws(UpstreamFailure) -> TokenOutcome {
        guard let url = challenge.url, let server = UpstreamURL(url) else { return .none }
        guard server.isSecure || !asked.isSecure else { throw .refused("it wants its tokens asked for without TLS") }
        var asking = UpstreamRequest(.get, url, allowsPrivateAddresses: request.allowsPrivateAddresses)
        if let credential = request.credential, UpstreamURL(credential.server)?.origin == asked.origin,
            let user = credential.user
        {
            asking.headers[.authorization] = basic(user, credential.secret)
        }
        let answer = try await attempt(asking)
        guard answer.status == .ok else {
            // A wrong credential is refused in the same words.
            guard request.credential == nil, answer.status == .forbidden else { return .none }
            return await answer.refusesPlace(of: server) ? .refused : .none
        }
        guard let token = await BearerTokens.Token(answer.body) else { return .none }
        tokens.keep(token, asked.origin, request)
        return .issued(token.text)
    }

    // MARK: Servers

    private func connections(
        to target: UpstreamURL, allowsPrivate: Bool
    ) async throws(UpstreamFailure) -> ServerConnections {
        let now = ContinuousClock.now
        let known = state.withLock { $0.servers[target.origin] }
        if let known, known.resolvedAt.advanced(by: Self.resolutionLifetime) > now {
            try check(known.connections.address, target, allowsPrivate)
            return known.connections
        }
        let address: String
        do throws(UpstreamFailure) {
            address = try await names.address(of: target.host, port: target.port)
        } catch .timedOut where known != nil {
            // Names that nobody answers for must not hold up those that are known.
            address = known?.connections.address ?? ""
        } catch {
            throw error
        }
        try check(address, target, allowsPrivate)
        return try state.withLock { state throws(UpstreamFailure) in
            guard !state.isShutDown else { throw .unreachable("the server is stopping") }
            let known = state.servers[target.origin]?.connections
            let connections =
                known.flatMap { $0.address == address ? $0 : nil }
                ?? ServerConnections(host: target.host, address: address, readTimeout: readTimeout)
            if state.servers.count >= Self.maximumServers {
                state.servers = state.servers.filter { $0.value.resolvedAt.advanced(by: Self.resolutionLifetime) > now }
                if state.servers.count >= Self.maximumServers { state.servers = [:] }
            }
            state.servers[target.origin] = Server(connections: connections, resolvedAt: now)
            return connections
        }
    }

    private func check(_ address: String, _ target: UpstreamURL, _ allowsPrivate: Bool) throws(UpstreamFailure) {
        guard allowsPrivate || AddressRules.isPublic(address) else {
            throw .refused("\(target.host) has the address \(address), which is not a public one")
        }
    }
}

private func basic(_ user: String, _ secret: String) -> String {
    "Basic \(base64Text("\(user):\(secret)"))"
}
