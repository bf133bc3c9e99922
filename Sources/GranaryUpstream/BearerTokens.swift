import FoundationEssentials
import GranaryPorts
import HTTPTypes
import NIOCore
import Synchronization

/// The challenge by which a registry says where its tokens come from (distribution specification, "Token Authentication").
struct BearerChallenge: Sendable, Equatable {
    let realm: String
    let service: String?
    let scope: String?
    /// What was wrong with the token that was shown.
    let error: String?

    /// Answers nil where there is no challenge of this kind.
    init?(_ headers: HTTPFields) {
        for value in headers[values: .wwwAuthenticate] where value.lowercased().hasPrefix("bearer ") {
            let parameters = Self.parameters(value.dropFirst("bearer ".count))
            guard let realm = parameters["realm"] else { continue }
            self.realm = realm
            service = parameters["service"]
            scope = parameters["scope"]
            error = parameters["error"]
            return
        }
        return nil
    }

    /// What is to be asked for a token; nil where the realm is no address.
    var url: String? {
        guard UpstreamURL(realm) != nil, var components = URLComponents(string: realm) else { return nil }
        var items = components.queryItems ?? []
        if let service { items.append(URLQueryItem(name: "service", value: service)) }
        // Several scopes in one challenge are several parameters of the question.
        for scope in scope?.split(separator: " ") ?? [] {
            items.append(URLQueryItem(name: "scope", value: String(scope)))
        }
        components.queryItems = items.isEmpty ? nil : items
        return components.string
    }

    /// `name="value"` or `name=value`, joined by commas (RFC 9110, section 11.2).
    private static func parameters(_ text: Substring) -> [String: String] {
        var found: [String: String] = [:]
        var rest = text[...]
        while let equals = rest.firstIndex(of: "=") {
            let name = rest[..<equals].filter { $0 != " " && $0 != "," }.lowercased()
            rest = rest[rest.index(after: equals)...]
            let value: Substring
            if rest.first == "\"" {
                rest = rest.dropFirst()
                value = rest.prefix { $0 != "\"" }
                rest = rest.dropFirst(value.count).dropFirst()
            } else {
                value = rest.prefix { $0 != "," && $0 != " " }
                rest = rest.dropFirst(value.count)
            }
            found[name] = found[name] ?? String(value)
        }
        return found
    }
}

/// Tokens that have been issued, until shortly before they expire.
final class BearerTokens: Sendable {
    private static let maximumCount = 10_000
    /// Of the document a token comes in, in bytes.
    private static let maximumAnswer = 1 << 20
    /// What a token without a lifetime is good for (distribution specification).
    private static let standardLifetime = 60
    private static let longestLifetime = 3600

    struct Token: Sendable {
        let text: String
        let lifetime: Duration

        private struct Answer: Decodable {
            let token: String?
            let access_token: String?
            let expires_in: Int?
        }

        /// Answers nil for what is no answer of a token server.
        init?(_ body: any AsyncSequence<ByteBuffer, any Error> & Sendable) async {
            var collected = Data()
            do {
                for try await chunk in body {
                    collected.append(contentsOf: chunk.readableBytesView)
                    guard collected.count <= BearerTokens.maximumAnswer else { return nil }
                }
                let answer = try JSONDecoder().decode(Answer.self, from: collected)
                guard let text = answer.token ?? answer.access_token, !text.isEmpty,
                    text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
                else { return nil }
                self.text = text
                let stated = answer.expires_in ?? BearerTokens.standardLifetime
                lifetime = .seconds(max(min(max(stated, 0), BearerTokens.longestLifetime) - 10, 5))
            } catch {
                return nil
            }
        }
    }

    private struct Key: Hashable {
        let origin: String
        let credential: UpstreamCredential?
        /// A token is for one image: that of the path up to what is asked of it.
        let place: String
    }

    private let tokens = Mutex<[Key: (text: String, until: ContinuousClock.Instant)]>([:])

    func find(_ origin: String, _ request: UpstreamRequest) -> String? {
        tokens.withLock { tokens in
            guard let known = tokens[Self.key(origin, request)], known.until > .now else { return nil }
            return known.text
        }
    }

    func keep(_ token: Token, _ origin: String, _ request: UpstreamRequest) {
        tokens.withLock { tokens in
            if tokens.count >= Self.maximumCount { tokens = [:] }
            tokens[Self.key(origin, request)] = (token.text, .now.advanced(by: token.lifetime))
        }
    }

    private static func key(_ origin: String, _ request: UpstreamRequest) -> Key {
        var place = request.url[...]
        for mark in ["/manifests/", "/blobs/", "/tags/", "/referrers/"] {
            if let range = place.firstRange(of: mark) { place = place[..<range.lowerBound] }
        }
        return Key(origin: origin, credential: request.credential, place: String(place))
    }
}
