import GranaryFormat
import GranaryModel
import GranaryTestKit

/// What another registry has of one image, and how it answers for it.
struct FakeRegistry: Sendable {
    var image = "team/app"
    /// By tag.
    var tags: [String: OCIDocument] = [:]
    /// Manifests without a tag.
    var others: [OCIDocument] = []
    var blobs: [[UInt8]] = []
    /// The pages of the list of tags, where it has any.
    var pages: [[String]] = []
    /// The pages of each list of referrers, by the digest of their subject; nil knows no such list.
    var referrers: [String: [[OCIDescriptor]]]? = [:]
    /// Whether answers say the digest of what they are.
    var saysDigests = true
    /// The status of every answer to HEAD; nil is that of GET.
    var headStatus: Int?

    private var base: String { "/v2/\(image)" }

    /// Answers as this registry does.
    @Sendable func answer(_ request: FakeUpstream.Request) -> FakeUpstream.Answer {
        if request.method == "HEAD", let headStatus { return .respond(headStatus) }
        let parts = request.path.split(separator: "?", maxSplits: 1)
        let path = String(parts[0])
        let page = parts.count > 1 ? Int(parts[1].dropFirst("page=".count)) ?? 0 : 0
        if path == "\(base)/tags/list" { return list(pages, page, path) { #"{"name":"x","tags":\#(jsonText($0))}"# } }
        if path.hasPrefix("\(base)/referrers/"), let referrers {
            let found = referrers[String(path.dropFirst("\(base)/referrers/".count))] ?? [[]]
            return list(found, page, path) { #"{"schemaVersion":2,"manifests":\#(jsonText($0))}"# }
        }
        if path.hasPrefix("\(base)/manifests/") {
            let name = String(path.dropFirst("\(base)/manifests/".count))
            let all = Array(tags.values) + others
            guard let found = tags[name] ?? all.first(where: { $0.digest == name }) else { return .respond(404) }
            var headers = ["Content-Type": found.contentType]
            if saysDigests { headers["Docker-Content-Digest"] = found.digest }
            return .respond(200, headers, found.bytes)
        }
        guard let blob = blobs.first(where: { path == "\(base)/blobs/\(sha256($0))" }) else { return .respond(404) }
        return .respond(200, ["Content-Type": "application/octet-stream"], blob)
    }

    private func list<Entry: Encodable>(
        _ pages: [[Entry]], _ page: Int, _ path: String, _ write: ([Entry]) -> String
    ) -> FakeUpstream.Answer {
        guard page < pages.count else { return .respond(404) }
        var headers = ["Content-Type": "application/json", "ETag": "\"same\""]
        if page + 1 < pages.count {
            // As an absolute path, as a query alone, and by the name of another server.
            let link = [path, "", "http://registry.example\(path)"][page % 3] + "?page=\(page + 1)"
            headers["Link"] = "</other>; rel=prev, <\(link)>; title=x; rel=\"next\""
        }
        return .respond(200, headers, Array(write(pages[page]).utf8))
    }
}
