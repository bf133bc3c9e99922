import FoundationEssentials
import GranaryPorts
import HTTPTypes
import NIOCore

extension UpstreamAnswer {
    /// Of a refusal, in bytes.
    private static let maximumRefusal = 64 << 10

    private struct ErrorList: Decodable {
        struct Entry: Decodable { let code: String? }
        let errors: [Entry]?
    }

    /// Whether it says no to a place, in the words of a registry (distribution specification, "Error Codes"; RFC 6750, section 3.1). A
    /// proxy on the way, and a server that takes no tokens, say no as well.
    func refusesPlace(of server: UpstreamURL) async -> Bool {
        guard status == .unauthorized || status == .forbidden, UpstreamURL(url)?.origin == server.origin else {
            return false
        }
        switch BearerChallenge(headers)?.error {
        case "insufficient_scope"?: return true
        case _?: return false
        case nil: break
        }
        var text = Data()
        do {
            for try await chunk in body {
                text.append(contentsOf: chunk.readableBytesView)
                guard text.count <= Self.maximumRefusal else { return false }
            }
            let codes = try JSONDecoder().decode(ErrorList.self, from: text).errors?.compactMap(\.code) ?? []
            return codes.contains { ["DENIED", "UNAUTHORIZED", "NAME_UNKNOWN"].contains($0) }
        } catch {
            return false
        }
    }
}
