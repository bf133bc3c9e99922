package import GranaryModel
package import HTTPTypes

/// A request without its body, addressed to one mount or one repository.
package struct RequestHead: Sendable {
    package let method: HTTPRequest.Method
    /// The repository's address: `/v2/docker/`, or `/v2/` for a mount and for a default repository; ends with a slash.
    package let prefix: String
    /// What follows the prefix, as sent: percent-encoded, without the query.
    package let path: String
    package let query: Query
    package let headers: HTTPFields
    /// `scheme://authority` of this server as the client sees it, without a slash at the end.
    package let origin: String

    package init(
        method: HTTPRequest.Method, prefix: String, path: String, query: Query, headers: HTTPFields, origin: String
    ) {
        self.method = method
        self.prefix = prefix
        self.path = path
        self.query = query
        self.headers = headers
        self.origin = origin
    }

    /// The value of `Content-Length`; nil when absent or not a number.
    package var contentLength: ByteCount? {
        headers[.contentLength].flatMap { Int64($0) }.flatMap { $0 >= 0 ? ByteCount($0) : nil }
    }
}

/// A request on its way to `perform`.
package struct FormatRequest: Sendable {
    package let head: RequestHead
    package let body: RequestBody

    package init(head: RequestHead, body: RequestBody) {
        self.head = head
        self.body = body
    }
}
