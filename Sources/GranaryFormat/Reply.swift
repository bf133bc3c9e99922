package import GranaryModel
package import HTTPTypes
package import NIOCore

/// An answer to a request. HTTP adds what every answer has, and performs ranges and conditions on files.
package struct Reply: Sendable {
    /// What follows the headers.
    package enum Body: Sendable {
        case empty
        case bytes(ByteBuffer)
        /// A stored file, served with ranges, conditional requests and, for HEAD, headers alone.
        case file(ServedFile)
        /// A file that is on its way, sent as it comes. An answer that goes wrong is cut off, never ended.
        case arriving(ArrivingFile)
    }

    package var status: HTTPResponse.Status
    package var headers: HTTPFields
    package var body: Body

    package init(_ status: HTTPResponse.Status, _ headers: HTTPFields = [:], _ body: Body = .empty) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// A document in memory.
    package init(_ status: HTTPResponse.Status, _ mediaType: MediaType, text: String, _ headers: HTTPFields = [:]) {
        var headers = headers
        headers[.contentType] = mediaType.text
        self.init(status, headers, .bytes(ByteBuffer(string: text)))
    }
}

extension Reply {
    /// Answers with a file whose name never stands for other bytes. A browser takes it for nothing of ours.
    package init(unchanging file: StoredFile) {
        let headers: HTTPFields = [
            .cacheControl: "max-age=31536000, immutable", .xContentTypeOptions: "nosniff",
            .contentSecurityPolicy: "sandbox; default-src 'none'"
        ]
        let body = ServedFile(
            blob: file.checksums.sha256, size: file.size, mediaType: file.mediaType,
            entityTag: file.checksums.sha256.hex, modified: file.modified)
        self.init(.ok, headers, .file(body))
    }
}

/// Bytes by digest, and the representation metadata they are served with.
package struct ServedFile: Sendable {
    package let blob: BlobDigest
    package let size: ByteCount
    package let mediaType: MediaType
    /// The strong entity tag without its quotes.
    package let entityTag: String
    package let modified: Timestamp?

    package init(blob: BlobDigest, size: ByteCount, mediaType: MediaType, entityTag: String, modified: Timestamp?) {
        self.blob = blob
        self.size = size
        self.mediaType = mediaType
        self.entityTag = entityTag
        self.modified = modified
    }
}
