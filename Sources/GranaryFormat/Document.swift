import Crypto
package import GranaryModel
package import HTTPTypes
package import NIOCore

/// A generated document, and the strong entity tag of its bytes.
package struct Document: Sendable, Equatable {
    package let bytes: ByteBuffer
    /// With its quotes (RFC 9110, section 8.8.3).
    package let entityTag: String

    /// `variant` tells documents apart that are the same bytes under different types.
    package init(_ bytes: ByteBuffer, variant: String = "") {
        self.bytes = bytes
        var hash = SHA256()
        hash.update(data: Array(variant.utf8))
        bytes.withUnsafeReadableBytes { hash.update(bufferPointer: $0) }
        entityTag = "\"\(hexadecimal(hash.finalize().prefix(16)))\""
    }
}

extension Reply {
    /// Answers with a generated document, or that the client has it already (RFC 9110, section 13.1.2).
    package init(_ document: Document, _ mediaType: MediaType, to head: RequestHead, _ headers: HTTPFields = [:]) {
        var headers = headers
        headers[.eTag] = document.entityTag
        if let tags = head.headers[.ifNoneMatch], Self.matches(tags, document.entityTag) {
            self.init(.notModified, headers)
        } else {
            headers[.contentType] = mediaType.text
            self.init(.ok, headers, .bytes(document.bytes))
        }
    }

    /// Weakly, as `If-None-Match` compares. Our tags have neither commas nor quotes inside.
    private static func matches(_ list: String, _ entityTag: String) -> Bool {
        list.split(separator: ",").contains { item in
            let tag = item.drop { $0 == " " || $0 == "\t" }.prefix { $0 != " " && $0 != "\t" }
            return tag == "*" || (tag.hasPrefix("W/") ? tag.dropFirst(2) : tag) == entityTag
        }
    }
}
