import GranaryFormat
import GranaryModel
import GranaryPolicy
import HTTPTypes

/// A format at its mount, with its types forgotten.
protocol MountedFormat: Sendable {
    var name: FormatName { get }

    /// Whether the credential in the request's head does not count.
    func isLogin(_ request: IncomingRequest, rest: String) -> Bool
    /// Answers a request of somebody whose credential, if any, was right. `rest` is the path after the mount.
    func respond(to request: IncomingRequest, rest: String, _ principal: Principal) async -> Outcome
    /// Answers a read for which all is in memory, exactly as `respond` would; nil leaves it to `respond`.
    func respondNow(to request: IncomingRequest, rest: String, _ principal: Principal) -> Outcome?
    /// Words a refusal that comes before anything is known of the request.
    func refuse(_ problem: Problem, _ request: IncomingRequest, rest: String) -> Outcome
}

struct Mounted<Format: PackageFormat>: MountedFormat {
    let format: Format
    let services: Services
    let management: Management

    var name: FormatName { format.name }

    func isLogin(_ request: IncomingRequest, rest: String) -> Bool { format.isLogin(request.method, rest) }

    func respond(to request: IncomingRequest, rest: String, _ principal: Principal) async -> Outcome {
        let context = Context(request: request, principal: principal, snapshot: services.snapshot.value)
        switch enter(rest, context) {
        case .service(let operation, let head): return await serve(operation, head, context)
        case .repository(let address): return await serve(address, context)
        case .over(let outcome): return outcome
        }
    }

    func respondNow(to request: IncomingRequest, rest: String, _ principal: Principal) -> Outcome? {
        let entering = Context(request: request, principal: principal, snapshot: services.snapshot.value)
        guard case .repository(let address) = enter(rest, entering), address.past == nil else { return nil }
        let context = entering.reaching(address.repository)
        let head = head(of: request, prefix: address.prefix, path: address.path)
        guard let operation = try? format.parse(head),
            (try? authorize(operation.requirement, context, on: address.repository)) != nil,
            let reply = knownReply(to: operation, head, access(address, context, Staleness(), for: operation))
        else { return nil }
        return marked(outcome(reply, context, address.repository, operation.name), address)
    }

    private func knownReply(
        to operation: Operation<Format.Call>, _ head: RequestHead,
        _ access: any ServedRepository<Format.Index>
    ) -> Reply? {
        if let (reference, package) = format.file(of: operation) {
            return access.knownFile(reference, in: package).map { format.answer(operation, with: $0, head) }
        }
        if let (selection, variant) = format.document(of: operation, head) {
            return access.knownDocument(variant, of: selection).map { format.answer(operation, with: $0, head) }
        }
        return nil
    }

    /// What a request turned out to be addressed to.
    private enum Entrance {
        case service(Operation<Format.Call>, RequestHead)
        case repository(Address)
        case over(Outcome)
    }

    private func enter(_ rest: String, _ context: Context) -> Entrance {
        let mountHead = head(of: context.request, prefix: "/\(format.mount.component)/", path: rest)
        do throws(Problem) {
            if let operation = try format.parseService(mountHead) { return .service(operation, mountHead) }
        } catch {
            return .over(refusal(error, mountHead, nil, context, nil))
        }
        let mirrored = mirrored(context.request)
        guard let address = resolve(rest, mirrored, in: context.snapshot), isVisible(address, context) else {
            // Where everything is open to everybody, that an upstream has no mirror here is no secret.
            let isHidden = context.principal.user == nil && !(mirrored != nil && context.snapshot.isPublic(format.name))
            let problem: Problem =
                isHidden
                ? .unauthenticated("a credential is needed") : .unknown(.repository, "there is no such repository")
            return .over(refusal(problem, mountHead, nil, context, nil))
        }
        if let redirect = redirect(context.request, rest, to: address) {
            return .over(outcome(redirect, context, address.repository, "redirect"))
        }
        return .repository(address)
    }

    func refuse(_ problem: Problem, _ request: IncomingRequest, rest: String) -> Outcome {
        let context = Context(request: request, principal: .anonymous, snapshot: services.snapshot.value)
        return refusal(problem, head(of: request, prefix: "/\(format.mount.component)/", path: rest), nil, context, nil)
    }

    private struct Context {
        let request: IncomingRequest
        let principal: Principal
        let snapshot: Snapshot

        /// With a credential that reaches the members of a virtual repository.
        func reaching(_ repository: Repository) -> Context {
            guard principal.scopes != nil, let members = repository.settings.members else { return self }
            return Context(
                request: request,
                principal: principal.reaching(snapshot.members(of: members).map(\.name), through: repository.name),
                snapshot: snapshot)
        }
    }

    /// A repository, and how the request spelled the way to it.
    private struct Address {
        let repository: Repository
        let prefix: String
        let path: String
        /// Whether the name was taken by the default repository because no other has it.
        let isFallback: Bool
        /// What stands behind the name and an `@`: the moment that is read as of.
        let past: Substring?
        /// The server that the request takes this one for a mirror of.
        var mirrored: String?

        var moment: Timestamp? {
            past.flatMap { percentDecoded($0.utf8) }.flatMap { String(validating: $0, as: UTF8.self) }
                .flatMap { Timestamp(inAddress: $0) }
        }

        func problem(now: Timestamp) -> Problem? {
            guard past != nil else { return nil }
            guard let moment else {
                return .invalid(.path, "behind '@' stands a date, or a moment such as 20260131T120000Z")
            }
            return moment <= now ? nil : .invalid(.path, "\(moment) is still to come")
        }
    }

    /// The server that a request takes this one for a mirror of; nil where it asks for what is this one's own.
    private func mirrored(_ request: IncomingRequest) -> String? {
        guard let mirroring = format.mount.mirroring, !request.query.isEmpty,
            let host = Query(request.query)[mirroring.parameter]?.lowercased(), !host.isEmpty,
            request.origin.split(separator: "/").last?.lowercased() != host
        else { return nil }
        return host
    }

    /// The remote repository of a server, the first one by name.
    private func mirror(of host: String, in snapshot: Snapshot) -> Repository? {
        snapshot.repositories.values.filter { $0.format == format.name && $0.settings.upstream?.mirroredHost == host }
            .min { $0.name < $1.name }
    }

    private func resolve(_ rest: String, _ mirrored: String?, in snapshot: Snapshot) -> Address? {
        let mount = "/\(format.mount.component)/"
        // Matrix parameters (RFC 3986, section 3.3) may stand after the repository's name, too.
        let first = Substring(rest.utf8.prefix { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: ";") })
        let at = first.utf8.firstIndex(of: UInt8(ascii: "@"))
        if let name = RepositoryName(String(first[..<(at ?? first.endIndex)])),
            let repository = snapshot.repositories[name], repository.format == format.name
        {
            let path = rest.utf8.dropFirst(first.utf8.count)
            return Address(
                repository: repository, prefix: "\(mount)\(first)/",
                path: String(Substring(path.first == UInt8(ascii: "/") ? path.dropFirst() : path)), isFallback: false,
                past: at.map { first[first.index(after: $0)...] })
        }
        if let mirrored {
            return mirror(of: mirrored, in: snapshot).map { repository in
                Address(
                    repository: repository, prefix: "\(mount)\(repository.name)/", path: rest, isFallback: false,
                    past: nil, mirrored: mirrored)
            }
        }
        guard format.mount.hasDefaultRepository, let repository = snapshot.defaultRepository(of: format.name) else {
            return nil
        }
        return Address(repository: repository, prefix: mount, path: rest, isFallback: true, past: nil)
    }

    /// Whether the caller may do anything there. To everybody else it is as if the repository did not exist, whatever they
    /// ask of it. Where a default repository takes unknown names, verdicts on packages have to do.
    private func isVisible(_ address: Address, _ context: Context) -> Bool {
        format.mount.hasDefaultRepository
            || context.snapshot.rights(of: context.principal, on: address.repository) != []
    }

    /// The address of a repository ends with a slash: what its documents refer to is relative to that.
    private func redirect(_ request: IncomingRequest, _ rest: String, to address: Address) -> Reply? {
        guard !format.mount.hasDefaultRepository, !rest.contains("/"), address.path.isEmpty,
            request.method == .get || request.method == .head
        else { return nil }
        let query = request.query.isEmpty ? "" : "?\(request.query)"
        return Reply(.movedPermanently, [.location: address.prefix + query, .cacheControl: "no-cache"])
    }

    private func head(of request: IncomingRequest, prefix: String, path: String) -> RequestHead {
        RequestHead(
            method: request.method, prefix: prefix, path: path, query: Query(request.query), headers: request.headers,
            origin: request.origin)
    }

    // MARK: Repositories

    private func serve(_ address: Address, _ context: Context) async -> Outcome {
        let context = context.reaching(address.repository)
        let head = head(of: context.request, prefix: address.prefix, path: address.path)
        let repository = address.repository
        var parsed: Operation<Format.Call>?
        do throws(Problem) {
            let operation = try format.parse(head)
            parsed = operation
            try authorize(operation.requirement, context, on: repository)
            // Only now: what is wrong with a moment tells that there is such a repository.
            if let problem = address.problem(now: services.now()) { throw problem }
            let staleness = Staleness()
            let access = access(address, context, staleness, for: operation)
            var reply = try await perform(operation, FormatRequest(head: head, body: context.request.body), access)
            if let since = staleness.since { reply.headers.setStale(since, now: services.now()) }
            return marked(outcome(reply, context, repository, operation.name), address)
        } catch {
            let problem = parsed == nil ? hiding(error, address, context) : error
            return marked(refusal(problem, head, parsed, context, repository), address)
        }
    }

    /// With the server that what is answered is of, where the request named it.
    private func marked(_ outcome: Outcome, _ address: Address) -> Outcome {
        guard let mirroring = format.mount.mirroring, let mirrored = address.mirrored else { return outcome }
        var reply = outcome.reply
        reply.headers[mirroring.field] = mirrored
        return Outcome(
            reply: reply, actor: outcome.actor, repository: outcome.repository, operation: outcome.operation)
    }

    /// Does what an operation asks. A file that is on its way from an upstream is answered as soon as it begins to come.
    private func perform(
        _ operation: Operation<Format.Call>, _ request: FormatRequest, _ access: any ServedRepository<Format.Index>
    ) async throws(Problem) -> Reply {
        let head = request.head
        guard head.method == .get || head.method == .head, let (reference, package) = format.file(of: operation),
            access is RemoteRepository<Format> || access is VirtualRepository<Format>
        else { return try await format.perform(operation, request, on: access) }
        do throws(Problem) {
            switch try await access.open(reference, in: package) {
            case .stored(let file): return format.answer(operation, with: file, head)
            case .arriving(_, _, nil) where head.method == .head:
                // What it will turn out to be is all that is asked for.
                return try await format.perform(operation, request, on: access)
            case .arriving(let arriving, let mediaType, let file):
                var reply =
                    file.map { format.answer(operation, with: $0, head) }
                    ?? Reply(.ok, [.cacheControl: "no-cache", .contentSecurityPolicy: "sandbox; default-src 'none'"])
                if case .file(let served) = reply.body { reply.headers[.eTag] = "\"\(served.entityTag)\"" }
                reply.headers[.contentType] = mediaType.text
                reply.body = .arriving(arriving)
                return reply
            }
        } catch .unknown {
            // What is no file may be something else to the format: the way to a directory, a checksum.
            return try await format.perform(operation, request, on: access)
        } catch {
            throw error
        }
    }

    private func access(
        _ address: Address, _ context: Context, _ staleness: Staleness
    ) -> any ServedRepository<Format.Index> {
        access(
            address.repository, context,
            Reading(moment: address.moment, staleness: staleness, hidesUnknown: hidesUnknown(address, context)))
    }

    /// What answers an operation. Whether something need not be sent is asked of where it would be published, by who may do that.
    private func access(
        _ address: Address, _ context: Context, _ staleness: Staleness, for operation: Operation<Format.Call>
    ) -> any ServedRepository<Format.Index> {
        let access = access(address, context, staleness)
        guard operation.precedesPublishing, case .rights(_, let package) = operation.requirement,
            let deployment = (access as? VirtualRepository<Format>)?.deployment
        else { return access }
        let target = context.snapshot.target(of: .write, address.repository)
        let mayPublish = context.snapshot.verdict(context.principal, [.read, .write], on: target, package) == .allowed
        return mayPublish ? deployment : access
    }

    /// How a repository and its members are read.
    private struct Reading {
        let moment: Timestamp?
        let staleness: Staleness
        let hidesUnknown: Bool
    }

    private func access(
        _ repository: Repository, _ context: Context, _ reading: Reading
    ) -> any ServedRepository<Format.Index> {
        let caller = caller(context)
        if let upstream = repository.settings.upstream, repository.kind == .remote {
            return RemoteRepository(
                repository: repository, upstream: upstream, principal: context.principal, format: format,
                services: services, caller: caller, staleness: reading.staleness, moment: reading.moment)
        }
        if let members = repository.settings.members, repository.kind == .virtual {
            let inside = Reading(moment: reading.moment, staleness: reading.staleness, hidesUnknown: false)
            let served = context.snapshot.members(of: members).map { member in
                VirtualRepository<Format>.Member(repository: member, access: access(member, context, inside))
            }
            let deployment = served.first { $0.repository.name.text == members.deployment }
            return VirtualRepository(
                repository: repository, settings: members, members: served, deployment: deployment?.access,
                principal: context.principal, format: format, services: services, caller: caller)
        }
        let local = LocalRepository(
            repository: repository, principal: context.principal, format: format, services: services, caller: caller,
            hidesUnknown: reading.hidesUnknown)
        return reading.moment.map { PastRepository(present: local, moment: $0) } ?? local
    }

    private func caller(_ context: Context) -> CallerCredentials {
        CallerCredentials(principal: context.principal, peer: context.request.peer, management: management)
    }

    /// A request that cannot be read must not tell by its refusal that there is a repository the caller may not see.
    private func hiding(_ problem: Problem, _ address: Address, _ context: Context) -> Problem {
        guard !address.isFallback else { return problem }
        let verdict = context.snapshot.verdict(context.principal, .read, on: address.repository, nil)
        return verdict.problem(on: address.repository, nil) ?? problem
    }

    private func authorize(
        _ requirement: Requirement, _ context: Context, on repository: Repository
    ) throws(Problem) {
        switch requirement {
        case .none:
            return
        case .identity:
            try requireIdentity(context)
        case .rights(let rights, let package):
            let verdict = context.snapshot.verdict(
                context.principal, rights, on: context.snapshot.target(of: rights, repository), package)
            if let problem = verdict.problem(on: repository, package) { throw problem }
        }
    }

    private func requireIdentity(_ context: Context) throws(Problem) {
        let isKnown = context.principal.user != nil || context.principal.scopes != nil
        guard isKnown || context.snapshot.isPublic(format.name) else {
            throw .unauthenticated("a credential is needed")
        }
    }

    /// To somebody unknown, a name that nobody has used is to look like a name they may not see, so that the two cannot
    /// be told apart where private repositories share the mount.
    private func hidesUnknown(_ address: Address, _ context: Context) -> Bool {
        address.isFallback && context.principal.user == nil && !context.snapshot.isPublic(format.name)
    }

    // MARK: The mount itself

    private func serve(
        _ operation: Operation<Format.Call>, _ head: RequestHead, _ context: Context
    ) async -> Outcome {
        do throws(Problem) {
            if operation.requirement == .identity { try requireIdentity(context) }
            let access = MountAccess(
                format: format.name, principal: context.principal, peer: context.request.peer, services: services,
                identity: management.identity, caller: caller(context))
            let reply = try await format.performService(
                operation, FormatRequest(head: head, body: context.request.body), on: access)
            return outcome(reply, context, nil, operation.name)
        } catch {
            return refusal(error, head, operation, context, nil)
        }
    }

    // MARK: Outcomes

    private func outcome(
        _ reply: Reply, _ context: Context, _ repository: Repository?, _ operation: String
    ) -> Outcome {
        Outcome(
            reply: reply, actor: context.principal.actor, repository: repository?.name,
            operation: "\(format.name).\(operation)")
    }

    private func refusal(
        _ problem: Problem, _ head: RequestHead, _ operation: Operation<Format.Call>?, _ context: Context,
        _ repository: Repository?
    ) -> Outcome {
        outcome(
            format.reply(to: problem, for: head, operation), context, repository, operation?.name ?? "unparsed")
    }
}

extension HTTPFields {
    /// Says that something was served that was last known to be right at `moment` (RFC 9111, section 5.1; the warning is of
    /// RFC 7234, section 5.5, and still read).
    fileprivate mutating func setStale(_ moment: Timestamp, now: Timestamp) {
        self[.age] = String(Swift.max(0, now.seconds - moment.seconds))
        self[named: "Warning"] = #"110 - "Response is Stale""#
    }
}
