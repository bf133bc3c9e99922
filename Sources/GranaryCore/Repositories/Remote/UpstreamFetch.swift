import GranaryFormat
import GranaryModel
import GranaryPolicy
import GranaryPorts
import GranaryStore
import HTTPTypes
import Logging
import NIOCore

/// What is wanted of an upstream.
struct Want: Sendable {
    let location: UpstreamLocation
    /// For how long it is taken as it is; nil for what never changes.
    let lifetime: Duration?
    var expected: [String: String] = [:]
    var size: ByteCount?
    var hashes: Set<ExtraHash> = []
    var mediaType: MediaType?
    /// Where the upstream may say the digest of what it has.
    var digestField: HTTPField.Name?
    let limit: ByteCount
    /// Statuses by which the upstream says that there is no such thing, beside 404 and 410.
    var absences: Set<Int> = []
    /// How many pages a document may have.
    var maximumPages = 1
    /// Looks into a document before it takes the place of the last one; answers why nothing of its package may be served.
    var accepts: (@Sendable (CachedItem, ReceivedDocument) throws(Problem) -> String?)?

    init(_ file: UpstreamFile) {
        location = file.location
        lifetime = file.lifetime
        expected = file.expected
        size = file.size
        hashes = file.hashes
        mediaType = file.mediaType
        digestField = file.digestField
        limit = file.limit
    }

    init(
        _ document: UpstreamDocument, lifetime: Duration,
        _ accepts: @escaping @Sendable (CachedItem, ReceivedDocument) throws(Problem) -> String?
    ) {
        location = document.location
        absences = document.absences
        self.lifetime = lifetime
        limit = document.limit
        maximumPages = document.maximumPages
        self.accepts = accepts
    }
}

/// One fetch of one thing: ask, store, verify, and only then write the row.
struct UpstreamFetch: Sendable {
    let services: Services
    let repository: Repository
    let upstream: UpstreamSettings
    let key: CacheKey
    let want: Want
    /// What stands in the cache and is asked about.
    var known: CachedItem?
    let transfer: Transfer
    /// That of the memory when it was begun.
    let generation: Int
    /// When it was begun: what the upstream says is right at that moment, however long it takes to come and to be stored.
    let begunAt: Timestamp

    /// `scheme://host:port` of the server that is asked first.
    static func origin(of url: String) -> String {
        let scheme = url.firstRange(of: "://")?.upperBound ?? url.startIndex
        return String(url[..<(url[scheme...].firstIndex { $0 == "/" || $0 == "?" } ?? url.endIndex)]).lowercased()
    }

    static func url(of location: UpstreamLocation, below base: String) -> String {
        location.address.contains("://") ? location.address : base + location.address
    }

    private var url: String { Self.url(of: want.location, below: upstream.url) }
    private var memory: UpstreamMemory { services.upstreams }

    func run() async {
        let outcome: Transfer.Outcome
        do throws(Problem) {
            outcome = try await fetch()
        } catch {
            outcome = .failed(fault(error))
            // Whoever was let through to find out whether the server is back may have left without asking it.
            memory.note(Self.origin(of: url)) { $0.abandon() }
        }
        if case .failed(let problem) = outcome {
            services.logger.warning(
                "an upstream gave no answer that could be used",
                metadata: ["repository": "\(repository.name)", "url": "\(url)", "problem": "\(problem.detail)"])
        }
        services.upstreamMetrics.fetched(repository.name, outcome.label(known))
        memory.leave(key, transfer)
        transfer.end(outcome)
    }

    /// What an upstream sends is not the client's fault, who may come again.
    private func fault(_ problem: Problem) -> Problem {
        switch problem {
        case .unavailable, .denied: problem
        case .mismatch(let expected, let actual):
            unavailable("has \(actual) where \(expected) is expected", retryAfter: Self.faultPause)
        case .tooLarge(let limit): unavailable("has something of more than \(limit)", retryAfter: Self.faultPause)
        default: unavailable("has something that is no answer: \(problem.detail)", retryAfter: Self.faultPause)
        }
    }

    /// For how long what an upstream has is not taken to be mended.
    private static let faultPause = Duration.seconds(60)

    private func fetch() async throws(Problem) -> Transfer.Outcome {
        if let known, let field = want.digestField, try await isUnchanged(known, field) {
            return try await confirm(known)
        }
        let answer = try await send(try request(.get, url))
        let origin = Self.origin(of: url)
        switch answer.status.code {
        case 200:
            memory.note(origin) { $0.succeed() }
            do throws(Problem) {
                return .stored(try await store(want.maximumPages > 1 ? try await whole(answer) : answer))
            } catch .unknown {
                // Some say in a page for people that they have no such document.
                return try await missing()
            } catch {
                throw error
            }
        case 304 where known != nil:
            guard var item = known else { throw unavailable("answers 304 to what was not asked") }
            if let tag = answer.headers[.eTag] { item.entityTag = tag }
            return try await confirm(item)
        case let code where isAbsence(code, answer):
            memory.note(origin) { $0.succeed() }
            return try await missing()
        case 429, 500...599:
            let pause = pause(answer)
            memory.note(origin) { $0.fail(retryAfter: pause, now: services.now()) }
            throw unavailable("answers \(answer.status.code)", retryAfter: pause)
        case _ where answer.refusesPlaceOnly:
            memory.note(origin) { $0.succeed() }
            throw .denied("the upstream of '\(repository.name)' does not let its account see this")
        default:
            // It is there, and says no. That is no reason to ask it less, and no sign that something does not exist.
            memory.note(origin) { $0.succeed() }
            throw unavailable("answers \(answer.status.code)", retryAfter: .seconds(60))
        }
    }

    /// Whether an answer says that there is no such thing. Registries say no to a stranger who asks for a name that they do not have;
    /// to an account they may only have stopped showing it, and what others have by that name is not to be taken for it.
    private func isAbsence(_ code: Int, _ answer: UpstreamAnswer) -> Bool {
        code == 404 || code == 410 || want.absences.contains(code)
            || (answer.refusesPlaceOnly && upstream.sealedSecret == nil)
    }

    func send(_ request: UpstreamRequest) async throws(Problem) -> UpstreamAnswer {
        try await services.send(request, to: Self.origin(of: url), for: repository)
    }

    /// Whether the upstream says, asked by HEAD, that it has what is here: registries do not count that as a pull. Whatever else
    /// it answers is left to GET, which shows what it means, but for what says that it is not to be asked.
    private func isUnchanged(_ known: CachedItem, _ field: HTTPField.Name) async throws(Problem) -> Bool {
        let answer = try await send(try request(.head, url))
        switch answer.status.code {
        case 200: return answer.headers[field] == known.checksums.sha256.description
        case 304: return true
        case 429, 500, 502...504:
            let pause = pause(answer)
            memory.note(Self.origin(of: url)) { $0.fail(retryAfter: pause, now: services.now()) }
            throw unavailable("answers \(answer.status.code)", retryAfter: pause)
        default: return false
        }
    }

    /// For how long it is not to be asked; nil where it does not say.
    private func pause(_ answer: UpstreamAnswer) -> Duration? {
        if let seconds = answer.headers[.retryAfter].flatMap({ Int64($0) }) { return .seconds(max(1, seconds)) }
        return answer.status == .tooManyRequests ? .seconds(30) : nil
    }

    func unavailable(_ reason: String, retryAfter: Duration? = nil) -> Problem {
        .unavailable(
            "the upstream of '\(repository.name)' \(reason)", retryAfter: Int(retryAfter?.components.seconds ?? 10))
    }

    func request(_ method: HTTPRequest.Method, _ url: String) throws(Problem) -> UpstreamRequest {
        // What is kept is what others get, who may not know its coding.
        var headers: HTTPFields = [.acceptEncoding: "identity"]
        if !want.location.accept.isEmpty { headers[.accept] = want.location.accept }
        // That its first page is what it was says nothing of the others.
        if let known, want.maximumPages == 1 {
            if let tag = known.entityTag {
                headers[.ifNoneMatch] = tag
            } else if let modified = known.lastModified {
                headers[.ifModifiedSince] = modified
            }
        }
        return UpstreamRequest(
            method, url, headers, credential: try services.credential(of: upstream),
            allowsPrivateAddresses: upstream.allowsPrivateAddresses)
    }

    // MARK: What it says

    /// What is here is what the upstream has.
    private func confirm(_ item: CachedItem) async throws(Problem) -> Transfer.Outcome {
        var item = item
        item.checkedAt = begunAt
        item.missingSince = nil
        item.missingCount = 0
        memory.note(Self.origin(of: url)) { $0.succeed() }
        return try await note(item) ? .stored(item) : try await anew()
    }

    /// Notes what the upstream says of what is here; answers false where it is not here any more.
    private func note(_ item: CachedItem) async throws(Problem) -> Bool {
        let isThere = try await services.performing {
            try await services.driver.write { [item] in try CacheRows($0).note(item) }
        }
        if isThere { memory.keep(item, as: key, since: generation) } else { memory.forget(key) }
        return isThere
    }

    /// Fetches what has been dropped from the cache while it was asked about.
    private func anew() async throws(Problem) -> Transfer.Outcome {
        var fetch = self
        fetch.known = nil
        return try await fetch.fetch()
    }

    /// What was there counts as gone only once that has been said several times.
    private func missing() async throws(Problem) -> Transfer.Outcome {
        guard var item = known else { return .missing }
        let now = services.now()
        item.missingCount +=
            UpstreamRemoval.counts(since: item.missingSince, count: item.missingCount, now: now) ? 1 : 0
        item.missingSince = item.missingSince ?? now
        item.checkedAt = now
        guard try await note(item) else { return .missing }
        return UpstreamRemoval.isConfirmed(since: item.missingSince, count: item.missingCount, now: now)
            ? .missing : .stored(item)
    }

    private func store(_ answer: UpstreamAnswer) async throws(Problem) -> CachedItem {
        try checkCoding(answer)
        let size = answer.headers[.contentLength].flatMap { Int64($0) }.flatMap { $0 >= 0 ? ByteCount($0) : nil }
        if let size, size > want.limit { throw .tooLarge(want.limit) }
        if let size, let expected = want.size, size != expected {
            throw .mismatch(expected: "\(expected.bytes) bytes", actual: "\(size.bytes) bytes")
        }
        let mediaType = want.mediaType ?? answer.headers[.contentType].flatMap { MediaType($0) } ?? .octetStream
        let blob = try await stage(answer, size: size ?? want.size, mediaType)
        let item = try await kept(blob, mediaType, answer)
        // The bytes must not go before the row that names them is durable.
        withExtendedLifetime(blob.lease) {}
        return item
    }

    /// Some servers say of an archive that is packed by gzip that this is its coding. Where a digest is known, it decides.
    private func checkCoding(_ answer: UpstreamAnswer) throws(Problem) {
        guard let coding = answer.headers[.contentEncoding]?.lowercased(), want.expected.isEmpty,
            coding.split(whereSeparator: { ", ".contains($0) }).contains(where: { Self.codings.contains(String($0)) })
        else { return }
        let path = answer.url.prefix { $0 != "?" }.lowercased()
        guard coding.hasSuffix("gzip"), path.hasSuffix("gz") else {
            throw unavailable("sends what is encoded (\(coding)), though it was asked not to")
        }
    }

    /// Those that clients undo (RFC 9110, section 8.4.1). Object stores also say what is none.
    private static let codings: Set = ["gzip", "x-gzip", "deflate", "compress", "x-compress", "br", "zstd"]

    private func stage(
        _ answer: UpstreamAnswer, size: ByteCount?, _ mediaType: MediaType
    ) async throws(Problem) -> CommittedBlob {
        let id = UploadID(random: services.random(16)).text
        let hashes = Set(want.hashes.map(\.rawValue)).union(want.expected.keys).subtracting(["sha256"])
        do {
            return try await services.performing {
                try await services.blobs.begin(id, hashing: hashes, memo: nil)
                var body = RequestBody(answer.body)
                // Documents are taken whole, once they have been looked into.
                // Of something empty there is no last byte that could wait until it is known to be right.
                if want.accepts == nil, size?.bytes != 0, let bytes = try await services.blobs.follow(id) {
                    transfer.begin(Transfer.Beginning(size: size, mediaType: mediaType, bytes: bytes))
                    body = RequestBody(WatchedBody(body: body, transfer: transfer))
                }
                _ = try await services.blobs.append(body, to: id, at: 0, limit: want.limit.bytes)
                let terms = CommitTerms(hashes: hashes, expected: want.expected, size: size?.bytes) {
                    transfer.verify()
                }
                return try await services.blobs.commit(id, terms)
            }
        } catch {
            try? await services.blobs.cancel(id)
            if case .interrupted = error {
                memory.note(Self.origin(of: url)) { $0.fail(retryAfter: nil, now: services.now()) }
                throw unavailable("broke off in the middle")
            }
            throw error
        }
    }

    private func kept(
        _ blob: CommittedBlob, _ mediaType: MediaType, _ answer: UpstreamAnswer
    ) async throws(Problem) -> CachedItem {
        let checksums = Checksums(
            sha256: blob.digest, sha1: blob.hashes["sha1"], md5: blob.hashes["md5"], sha512: blob.hashes["sha512"])
        var item = CachedItem(
            checksums: checksums, size: ByteCount(blob.size), mediaType: mediaType,
            entityTag: answer.headers[.eTag], lastModified: answer.headers[.lastModified], source: answer.url,
            isFixed: want.lifetime == nil, fetchedAt: begunAt, checkedAt: begunAt)
        if let accepts = want.accepts {
            item.alarm = try await services.examine(item) { [item] document in try accepts(item, document) }
        }
        // The same bytes again are no other version of them.
        if let known, known.checksums.sha256 == item.checksums.sha256, known.mediaType == item.mediaType {
            item.id = known.id
            item.fetchedAt = known.fetchedAt
            if try await note(item) { return item }
        }
        let (key, change) = (key, Change(actor: Event.system, time: services.now()))
        item.id = try await services.performing {
            try await services.driver.write { [item] connection in
                // A cache is of one upstream, and this may have been asked for before another one was set.
                guard try RepositoryRows(connection).find(key.repository)?.settings.upstream?.url == upstream.url else {
                    throw Problem.unavailable("the repository has another upstream by now", retryAfter: 1)
                }
                try change.heal(item.checksums.sha256, on: connection)
                return try CacheRows(connection).put(item, as: key)
            }
        }
        memory.keep(item, as: key, since: generation)
        return item
    }
}

extension Services {
    /// Sends a request, and notes of the server at `origin` where there is no answer.
    func send(
        _ request: UpstreamRequest, to origin: String, for repository: Repository
    ) async throws(Problem) -> UpstreamAnswer {
        do throws(UpstreamFailure) {
            return try await upstreams.client.send(request)
        } catch {
            switch error {
            case .refused, .crowded: upstreams.note(origin) { $0.abandon() }
            case .unreachable, .timedOut: upstreams.note(origin) { $0.fail(retryAfter: nil, now: now()) }
            }
            logger.notice("a server \(error)", metadata: ["repository": "\(repository.name)", "url": "\(request.url)"])
            throw .unavailable("the upstream of '\(repository.name)' \(error.summary)", retryAfter: 10)
        }
    }

    /// Looks into a document in the cache, whole, where that may take long: some have tens of megabytes.
    func examine<Value: Sendable>(
        _ item: CachedItem, _ body: @escaping @Sendable (ReceivedDocument) throws -> Value
    ) async throws(Problem) -> Value {
        try await inspect(StagedBlob(checksums: item.checksums, size: item.size)) { stored in
            let bytes = try stored.read(0..<stored.size.bytes)
            return try body(
                ReceivedDocument(bytes: bytes, mediaType: item.mediaType.essence, source: item.source))
        }
    }

    /// What shows the upstream who asks; nil for somebody unknown. An upstream that has one is never asked without: what it does not
    /// show to strangers would be looked for elsewhere.
    func credential(of upstream: UpstreamSettings) throws(Problem) -> UpstreamCredential? {
        guard let sealed = upstream.sealedSecret else { return nil }
        guard let secret = secrets.open(sealed) else {
            logger.error(
                "the password for an upstream cannot be read; set it anew", metadata: ["url": "\(upstream.url)"])
            throw .unavailable("the password for the upstream cannot be read", retryAfter: 60)
        }
        return UpstreamCredential(user: upstream.user, secret: secret, server: upstream.url)
    }
}

extension Transfer.Outcome {
    fileprivate func label(_ known: CachedItem?) -> String {
        switch self {
        case .stored(let item): item.id == known?.id ? "unchanged" : "stored"
        case .missing: "missing"
        case .failed: "failed"
        }
    }
}
