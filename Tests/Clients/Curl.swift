import Foundation
import GranaryTestKit

/// An answer as curl received it.
struct CurlAnswer: Sendable {
    let status: Int
    /// By name in lower case; the last of each.
    let headers: [String: String]
    let body: Data
    /// Bytes of the request's body that were sent.
    let uploaded: Int
    /// curl's own exit code.
    let exit: Int32
    let trace: String

    var text: String { String(decoding: body, as: UTF8.self) }
}

extension Sandbox {
    /// Makes one request with curl. Options such as `-o` and `-D` are taken already.
    func curl(_ arguments: String...) async throws -> CurlAnswer { try await curl(arguments) }

    func curl(_ arguments: [String]) async throws -> CurlAnswer {
        let name = UUID().uuidString
        defer {
            for suffix in ["head", "body"] { try? FileManager.default.removeItem(atPath: path("\(name).\(suffix)")) }
        }
        let fixed = ["-sS", "-v", "-D", "\(name).head", "-w", "%{http_code} %{size_upload}"]
        let output = arguments.contains("-o") ? [] : ["-o", "\(name).body"]
        let ran = try await attempt("curl", fixed + output + arguments)
        let numbers = ran.text.split(separator: " ").compactMap { Int($0) }
        let head = (try? read("\(name).head")) ?? Data()
        return CurlAnswer(
            status: numbers.first ?? 0, headers: parseHeaders(String(decoding: head, as: UTF8.self)),
            body: (try? read("\(name).body")) ?? Data(), uploaded: numbers.last ?? 0, exit: ran.status,
            trace: ran.stderr)
    }

    private func parseHeaders(_ text: String) -> [String: String] {
        var headers: [String: String] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let value = line[line.index(after: colon)...]
            headers[line[..<colon].lowercased()] = value.trimmingCharacters(in: .whitespaces)
        }
        return headers
    }

    /// The option with which curl may push to and pull from an image name: a token where the server hands them out.
    func authorization(for name: String, on server: Server) async throws -> String {
        let challenge = try await curl("\(server.url)/v2/").headers["www-authenticate"] ?? ""
        let fields = challengeFields(challenge)
        guard challenge.hasPrefix("Bearer"), let realm = fields["realm"] else {
            return "Authorization: Basic \(Data(server.credentials.utf8).base64EncodedString())"
        }
        let answer = try await curl(
            "-u", server.credentials, "-G", realm, "--data-urlencode", "service=\(fields["service"] ?? "")",
            "--data-urlencode", "scope=repository:\(name):pull,push,delete")
        return "Authorization: Bearer \(try JSONDecoder().decode(TokenAnswer.self, from: answer.body).token)"
    }

    private func challengeFields(_ challenge: String) -> [String: String] {
        var fields: [String: String] = [:]
        for field in challenge.drop(while: { $0 != " " }).split(separator: ",") {
            let halves = field.split(separator: "=", maxSplits: 1)
            guard halves.count == 2 else { continue }
            fields[halves[0].trimmingCharacters(in: .whitespaces)] = String(halves[1].filter { $0 != "\"" })
        }
        return fields
    }
}

private struct TokenAnswer: Decodable {
    let token: String
}
