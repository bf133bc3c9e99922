import GranaryModel
import GranaryFormat
import HTTPTypes
import NIOCore

/// What is sent for a stored file: status, headers, and the pieces of the body.
struct FileAnswer: Sendable {
    /// A stretch of the file, or text around stretches of it.
    enum Piece: Sendable, Equatable {
        case text(String)
        case range(Range<Int64>)
    }

    let status: HTTPResponse.Status
    let headers: HTTPFields
    let pieces: [Piece]

    /// Performs conditions and ranges. `boundary` makes what separates the parts of a multipart answer.
    init(_ file: ServedFile, reply: Reply, request: HTTPFields, boundary: () -> String) {
        var headers = reply.headers
        // With those every answer has.
        headers.reserveCapacity(headers.count + 12)
        headers[.eTag] = "\"\(file.entityTag)\""
        headers[.acceptRanges] = "bytes"
        headers[.lastModified] = file.modified.map(HTTPDate.format)
        switch Preconditions.evaluate(request, entityTag: file.entityTag, modified: file.modified) {
        case .notModified:
            (status, self.headers, pieces) = (.notModified, headers, [])
            return
        case .failed:
            headers[.contentLength] = "0"
            (status, self.headers, pieces) = (.preconditionFailed, headers, [])
            return
        case .proceed:
            break
        }
        let size = file.size.bytes
        let isPartial = Preconditions.allowsRange(request, entityTag: file.entityTag, modified: file.modified)
        headers[.contentType] = file.mediaType.text
        switch ByteRanges(isPartial ? request[.range] : nil, size: size) {
        case .whole:
            (status, pieces) = (reply.status, size == 0 ? [] : [.range(0..<size)])
        case .single(let range):
            headers[.contentRange] = "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(size)"
            (status, pieces) = (.partialContent, [.range(range)])
        case .multiple(let ranges):
            let boundary = boundary()
            headers[.contentType] = "multipart/byteranges; boundary=\(boundary)"
            (status, pieces) = (.partialContent, Self.parts(ranges, of: file, boundary))
        case .unsatisfiable:
            headers[.contentRange] = "bytes */\(size)"
            (status, pieces) = (.rangeNotSatisfiable, [])
        }
        headers[.contentLength] = String(pieces.reduce(0) { $0 + $1.length })
        self.headers = headers
    }

    private static func parts(_ ranges: [Range<Int64>], of file: ServedFile, _ boundary: String) -> [Piece] {
        var pieces: [Piece] = []
        for (index, range) in ranges.enumerated() {
            let opening = index == 0 ? "" : "\r\n"
            pieces.append(
                .text(
                    "\(opening)--\(boundary)\r\nContent-Type: \(file.mediaType)\r\n"
                        + "Content-Range: bytes \(range.lowerBound)-\(range.upperBound - 1)/\(file.size.bytes)\r\n\r\n"
                ))
            pieces.append(.range(range))
        }
        return pieces + [.text("\r\n--\(boundary)--\r\n")]
    }
}

extension FileAnswer.Piece {
    /// In bytes.
    var length: Int64 {
        switch self {
        case .text(let text): Int64(text.utf8.count)
        case .range(let range): Int64(range.count)
        }
    }
}
