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
    /// The address of the client.
    package let peer: String
    package let body: RequestBody

    package init(
        method: HTTPRequest.Method, path: String, query: String, headers: HTTPFields, origin: String,
        peer: String, body: RequestBody
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.origin = origin
        self.peer = peer
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
    private let smallBlobs: SmallBlobs

    package init(formats: [any PackageFormat], services: Services, management: Management) {
        authenticator = management.identity.authenticator
        blobs = services.blobs
        smallBlobs = services.smallBlobs
        func mounted(_ format: some PackageFormat) -> any MountedFormat {
            Mounted(format: format, services: services, management: management)
        }
        mounts = Dictionary(uniqueKeysWithValues: formats.map { ($0.mount.component, mounted($0)) })
    }

    /// Answers a request to a format's mount; nil when the path belongs to none.
    package func respond(to request: IncomingRequest) async -> Outcome? {
        guard let (mount, rest) = mount(of: request) else { return nil }
        do {
            let credential = mount.isLogin(request, rest: rest) ? nil : request.headers[.authorization]
            let principal = try await authenticator.authenticate(credential, from: request.peer)
            return await mount.respond(to: request, rest: rest, principal)
        } catch {
            return mount.refuse(error, request, rest: rest)
        }
    }

    /// Answers a read for which everything is in memory: who asks, what is named, and what is known of it. Nil leaves the
    /// request to `respond`, which would have given the same answer. It does not wait, so it may run anywhere.
    package func respondNow(to request: IncomingRequest) -> Outcome? {
        guard request.method == .get || request.method == .head, let (mount, rest) = mount(of: request),
            let principal = authenticator.knownPrincipal(request.headers[.authorization])
        else { return nil }
        return mount.respondNow(to: request, rest: rest, principal)
    }

    /// Words a problem that shows only once the answer is sent, as the format at the request's path does; nil when the
    /// path belongs to none.
    package func refusal(_ problem: Problem, to request: IncomingRequest) -> Reply? {
        mount(of: request).map { $0.refuse(problem, request, rest: $1).reply }
    }

    private func mount(of request: IncomingRequest) -> (any MountedFormat, rest: String)? {
        let path = request.path.utf8
        guard path.first == UInt8(ascii: "/") else { return nil }
        let start = path.index(after: path.startIndex)
        let end = path[start...].firstIndex(of: UInt8(ascii: "/")) ?? path.endIndex
        guard let mount = mounts[String(request.path[start..<end])] else { return nil }
        return (mount, end == path.endIndex ? "" : String(request.path[path.index(after: end)...]))
    }

    /// The bytes of a served file, where they are in memory.
    package func bytes(of file: ServedFile) -> ByteBuffer? {
        file.size.bytes <= SmallBlobs.maximumBytes ? smallBlobs.find(file.blob) : nil
    }

    /// Opens the bytes of a served file. Throws when a row names bytes that are not there, or others.
    package func open(_ file: ServedFile) async throws -> OpenedFile {
        guard let blob = try await blobs.open(file.blob) else {
            throw BlobStoreError.failed("\(file.blob) is not stored")
        }
        guard blob.size == file.size.bytes else {
            throw BlobStoreError.failed("\(file.blob) has \(blob.size) bytes in place of \(file.size.bytes)")
        }
        guard blob.size <= SmallBlobs.maximumBytes else { return .reader(BlobReader(blob: blob)) }
        return .bytes(try await smallBlobs.read(file.blob, from: blob))
    }
}

/// The bytes of a served file, for whoever sends them out.
package enum OpenedFile: Sendable {
    case bytes(ByteBuffer)
    case reader(BlobReader)
}

/// The bytes of a blob that is too long to be held.
package struct BlobReader: Sendable {
    fileprivate let blob: any OpenBlob

    /// A file for the kernel to send from; open for as long as this value is held.
    package var descriptor: CInt? { blob.descriptor }

    /// The bytes of a range within the blob.
    package func read(_ range: Range<Int64>) async throws -> ByteBuffer { try await blob.read(range) }

    /// Waits until a range can be sent from `descriptor` without waiting for the disk, and has `next` read ahead.
    package func prepare(_ range: Range<Int64>, before next: Range<Int64>) async throws {
        try await blob.prepare(range, before: next)
    }
}
