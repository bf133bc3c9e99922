import GranaryFormat
import GranaryModel
import HTTPTypes

/// What is sent of a file that is on its way from an upstream: status, headers, and which bytes of it.
struct ArrivingAnswer: Sendable {
    let reply: Reply
    /// Nil is all of it.
    let range: Range<Int64>?

    /// Performs a range that has a beginning, which somebody asks for who has got what comes before it. The end of a file would be
    /// long in coming: who asks for that gets all of it, which begins at once (RFC 9110, section 14.2: a server may ignore ranges).
    init(_ file: ArrivingFile, reply: Reply, request: HTTPFields) {
        var reply = reply
        range = Self.range(file, reply, request)
        if let range, let size = file.size?.bytes {
            reply.status = .partialContent
            reply.headers[.contentRange] = "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(size)"
            reply.headers[.contentLength] = String(range.count)
        }
        self.reply = reply
    }

    private static func range(_ file: ArrivingFile, _ reply: Reply, _ request: HTTPFields) -> Range<Int64>? {
        guard let header = request[.range], !header.lowercased().hasPrefix("bytes=-"), let size = file.size?.bytes
        else {
            return nil
        }
        let tag = reply.headers[.eTag].map { String($0.dropFirst().dropLast()) }
        let mayBePart =
            tag.map { Preconditions.allowsRange(request, entityTag: $0, modified: nil) } ?? (request[.ifRange] == nil)
        guard mayBePart, case .single(let range) = ByteRanges(header, size: size) else { return nil }
        return range
    }
}
