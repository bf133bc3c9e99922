package import GranaryFormat
package import GranaryModel
import GranaryPorts
package import HTTPTypes
package import NIOCore

/// A request as it came in.
package struct IncomingRequest: Sendable {
    package let method: HTTPRequest.Method
    /// The path of the request target, percent-encoded.
    package let path: String
    /// The query of the request target, without its question mark.
    package let query: String
    package let headers: HTTPFields
    /// `scheme://authority` of this server as the client sees it.
    package let origin: String
    package let body: RequestBody

    package init(
        method: HTTPRequest.Method, path: String, query: String, headers: HTTPFields, origin: String, body: RequestBody
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.origin = origin
        self.body = body
    }
}

/// An answer, and what log and metrics want to know of how it came about.
package struct Outcome: Sendable {
    package let reply: Reply
    package let actor: String
    package let repository: RepositoryName?
    package let operation: String

    package init(reply: Reply, actor: String, repository: RepositoryName?, operation: String) {
        self.reply = reply
        self.actor = actor
        self.repository = repository
        self.operation = operation
    }
}

/// The one way in for formats: authenticate, find the repository, parse, authorize, and only then perform.
package struct Gateway: Sendable {
    private let mounts: [String: any MountedFormat]
    private let authenticator: Authenticator
    private let blobs: any BlobStore

    package init(formats: [any PackageFormat], services: Services, identity: Identity) {
        authenticator = identity.authenticator
        blobs = services.blobs
        func mounted(_ format: some PackageFormat) -> any MountedFormat {
            Mounted(format: format, services: services, identity: identity)
        }
        mounts = Dictionary(uniqueKeysWithValues: formats.map { ($0.mount.component, mounted($0)) })
    }

    /// The names of the formats that are served.
    package var formats: [FormatName] { mounts.values.map(\.name).sorted() }

    /// Answers a request to a format's mount; nil when the path belongs to none.
    package func respond(to request: IncomingRequest) async -> Outcome? {
        guard let (mount, rest) = mount(of: request) else { return nil }
        do {
            let principal = try await authenticator.authenticate(request.headers[.authorization])
            return await mount.respond(to: request, rest: rest, principal)
        } catch {
            return mount.refuse(error, request, rest: rest)
        }
    }

    /// Words a problem that shows only once the answer is sent, as the format at the request's path does; nil when the
    /// path belongs to none.
    package func refusal(_ problem: Problem, to request: IncomingRequest) -> Reply? {
        mount(of: request).map { $0.refuse(problem, request, rest: $1).reply }
    }

    private func mount(of request: IncomingRequest) -> (any MountedFormat, rest: String)? {
        let parts = request.path.dropFirst().split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard request.path.hasPrefix("/"), let first = parts.first, let mount = mounts[String(first)] else {
            return nil
        }
        return (mount, parts.count > 1 ? String(parts[1]) : "")
    }

    /// Opens the bytes of a served file. Throws when a row names bytes that are not there.
    package func open(_ digest: BlobDigest) async throws -> BlobReader {
        guard let blob = try await blobs.open(digest) else {
            throw BlobStoreError.failed("\(digest) is not stored")
        }
        return BlobReader(blob: blob)
    }
}

/// The bytes of a blob, for whoever sends them out.
package struct BlobReader: Sendable {
    fileprivate let blob: any OpenBlob

    /// The bytes of a range within the blob.
    package func read(_ range: Range<Int64>) async throws -> ByteBuffer { try await blob.read(range) }
}
