package import HTTPTypes
package import NIOCore

/// Asks other servers over HTTP.
///
/// Rules:
/// 1. Unless the request allows it, no address that is private, loopback or link-local is connected to, also after a redirect,
///    and the address that was checked is the one that is connected to.
/// 2. A credential goes to the server it is for, and to the server that this one sends for tokens; never along a redirect to
///    another.
/// 3. A body that ends early throws; it never ends as if it were whole.
package protocol UpstreamClient: Sendable {
    /// Sends a request, follows redirects, and answers as soon as the head of the answer is there.
    func send(_ request: UpstreamRequest) async throws(UpstreamFailure) -> UpstreamAnswer
}

/// A request to another server.
package struct UpstreamRequest: Sendable {
    package var method: HTTPRequest.Method
    /// Absolute, `http` or `https`.
    package var url: String
    package var headers: HTTPFields
    package var credential: UpstreamCredential?
    /// Whether the server may have an address that is private, loopback or link-local.
    package var allowsPrivateAddresses: Bool
    /// Small; empty for none.
    package var body: ByteBuffer

    package init(
        _ method: HTTPRequest.Method, _ url: String, _ headers: HTTPFields = [:],
        credential: UpstreamCredential? = nil, allowsPrivateAddresses: Bool = false, body: ByteBuffer = ByteBuffer()
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.credential = credential
        self.allowsPrivateAddresses = allowsPrivateAddresses
        self.body = body
    }
}

/// What shows who asks.
package struct UpstreamCredential: Sendable, Hashable {
    /// Nil where the secret is a bearer token.
    package let user: String?
    package let secret: String
    /// An address on the server it is for.
    package let server: String

    package init(user: String?, secret: String, server: String) {
        self.user = user
        self.secret = secret
        self.server = server
    }
}

/// The answer of another server, of any status.
package struct UpstreamAnswer: Sendable {
    package let status: HTTPResponse.Status
    package let headers: HTTPFields
    /// Where it came from, after redirects.
    package let url: String
    /// Whether a refusal, 401 or 403, is of what was asked for, and not of who asks: the server that issues the tokens issued one,
    /// or had none for a stranger to this, and it is refused in the words of a registry.
    package var refusesPlaceOnly = false
    /// To be read once; or let go, which ends the transfer.
    package let body: any AsyncSequence<ByteBuffer, any Error> & Sendable

    package init(
        status: HTTPResponse.Status, headers: HTTPFields, url: String,
        body: any AsyncSequence<ByteBuffer, any Error> & Sendable
    ) {
        self.status = status
        self.headers = headers
        self.url = url
        self.body = body
    }
}

/// Why there is no answer.
package enum UpstreamFailure: Error, Sendable, CustomStringConvertible {
    /// No connection, or one that broke; with a sentence.
    case unreachable(String)
    case timedOut
    /// Too much is asked of it already. That says nothing of its health.
    case crowded
    /// It will not be asked: an address or a redirect that is not allowed, with a sentence.
    case refused(String)

    /// With what an operator has to know: addresses and what a connection broke of.
    package var description: String {
        switch self {
        case .unreachable(let text): "\(summary): \(text)"
        case .refused(let text): "\(summary): \(text)"
        case .timedOut, .crowded: summary
        }
    }

    /// As much of it as anybody may know.
    package var summary: String {
        switch self {
        case .unreachable: "cannot be reached"
        case .timedOut: "does not answer in time"
        case .crowded: "is asked too much at once"
        case .refused: "is not asked: it leads to an address that is not allowed, as the log says"
        }
    }
}
