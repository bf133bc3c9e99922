import FoundationEssentials
import GranaryFormat
import GranaryModel
import GranaryPorts
import HTTPTypes
import NIOCore

extension UpstreamFetch {
    /// A document with all its pages: as it came where it has one, else an array of them.
    func whole(_ first: UpstreamAnswer) async throws(Problem) -> UpstreamAnswer {
        guard let next = nextPage(after: first) else { return first }
        var pages = ByteBuffer(string: "[")
        try await add(first, to: &pages)
        var address: String? = next
        // Some registries lead from their last page to it again.
        var known: Set<String> = [first.url]
        while let url = address, known.insert(url).inserted {
            guard known.count <= want.maximumPages else {
                throw unavailable("has a list of more than \(want.maximumPages) pages")
            }
            let answer = try await send(try request(.get, url))
            guard answer.status == .ok else {
                throw unavailable("answers \(answer.status.code) in the middle of a list")
            }
            pages.writeString(",")
            try await add(answer, to: &pages)
            address = nextPage(after: answer)
        }
        pages.writeString("]")
        // What is said of the first page does not hold of all of them.
        var headers = first.headers
        for name in [HTTPField.Name.eTag, .lastModified, .contentLength] { headers[name] = nil }
        return UpstreamAnswer(
            status: first.status, headers: headers, url: first.url, body: RequestBody(bytes: pages))
    }

    private func add(_ answer: UpstreamAnswer, to pages: inout ByteBuffer) async throws(Problem) {
        let room = want.limit.bytes - Int64(pages.readableBytes)
        var page: ByteBuffer
        do throws(Problem) {
            page = try await RequestBody(answer.body).collect(upTo: ByteCount(max(room, 0)))
        } catch .interrupted {
            throw unavailable("broke off in the middle")
        } catch .tooLarge {
            throw unavailable("has a list of more than \(want.limit)")
        } catch {
            throw error
        }
        // A page that is none would make another document of all of them.
        _ = try RawJSON(page.readableBytesView)
        pages.writeBuffer(&page)
    }

    /// Where the next page is: on the server that this one came from, whatever it calls itself.
    private func nextPage(after answer: UpstreamAnswer) -> String? {
        guard let link = LinkField.next(in: answer.headers[values: .link]),
            let url = URL(string: link, relativeTo: URL(string: answer.url))?.absoluteURL, url.path().hasPrefix("/")
        else { return nil }
        let query = url.query().map { "?\($0)" } ?? ""
        return Self.origin(of: answer.url) + url.path() + query
    }
}

/// `Link` fields (RFC 8288): `<address>; rel="next"`.
enum LinkField {
    /// The address of the first link to what comes next; nil where there is none.
    static func next(in values: [String]) -> String? {
        for value in values {
            var rest = value[...]
            while let start = rest.firstIndex(of: "<"), let end = rest[start...].firstIndex(of: ">") {
                let address = rest[rest.index(after: start)..<end]
                rest = rest[rest.index(after: end)...]
                // Parameters go on to the next link.
                let parameters = rest.prefix { $0 != "<" }.lowercased().split(whereSeparator: { ";,".contains($0) })
                let relations = parameters.compactMap { parameter -> Substring? in
                    let text = parameter.drop { $0 == " " }
                    return text.hasPrefix("rel=") ? text.dropFirst(4) : nil
                }
                if relations.contains(where: { $0.split { " \"".contains($0) }.contains("next") }) {
                    return String(address)
                }
            }
        }
        return nil
    }
}

extension HTTPField.Name {
    fileprivate static let link = Self(known: "Link")
}
