package import GranaryFormat
package import GranaryModel
import GranaryPolicy
import GranaryPorts
import GranaryStore

/// What administrators do: repositories, users, tokens, grants, and reading the history. All of it is one page of verbs;
/// each checks its caller, writes one event, and brings the snapshot up to date before it answers.
package struct Management: Sendable {
    let services: Services
    let identity: Identity
    let jobs: JobRunner
    let sweepGrace: Duration
    /// The formats this server speaks.
    package let formats: [FormatName]
    private let spellings: [FormatName: @Sendable (String) -> String]

    /// `sweepGrace` holds for sweeps that are asked for without one.
    package init(
        services: Services, identity: Identity, jobs: JobRunner, formats: [any PackageFormat],
        sweepGrace: Duration = Sweep.standardGrace
    ) {
        self.sweepGrace = sweepGrace
        self.services = services
        self.identity = identity
        self.jobs = jobs
        self.formats = formats.map(\.name).sorted()
        spellings = Dictionary(
            uniqueKeysWithValues: formats.map { format in (format.name, { @Sendable name in format.spelled(name) }) })
    }

    /// A package's name, or a pattern over names, as a format spells it.
    func spelled(_ name: String, in format: FormatName) -> String { spellings[format]?(name) ?? name }

    /// Who makes a request from an address; throws `.unauthenticated` for a wrong credential, and for a token that reaches
    /// certain packages only, and `.tooMany` after too many wrong ones.
    package func caller(_ authorization: String?, from peer: String) async throws(Problem) -> Principal {
        let caller = try await identity.authenticator.authenticate(authorization, from: peer)
        if caller.scopes != nil { _ = try requireUser(caller) }
        return caller
    }

    /// Throws `.unauthenticated` for somebody unknown.
    package func requireLogin(_ caller: Principal) throws(Problem) { _ = try requireUser(caller) }

    /// The user a request is made by. Throws `.unauthenticated` for somebody unknown and for tokens of limited reach.
    package func requireUser(_ caller: Principal) throws(Problem) -> UserName {
        guard let user = caller.user, caller.scopes == nil else {
            throw .unauthenticated("log in with a user name and a password or an access token")
        }
        return user
    }

    func requireAdministrator(_ caller: Principal) throws(Problem) {
        _ = try requireUser(caller)
        guard caller.isAdministrator else { throw .denied("only an administrator may do this") }
    }

    /// One change: takes a position of the history, lets `body` write rows, and appends the event it answers. What `body`
    /// requires of the rows it reads holds when they are written.
    func change(
        by caller: Principal, _ body: @escaping @Sendable (any SQLConnection, Moment) throws -> Entry
    ) async throws(Problem) {
        try await changing(by: caller) { (try body($0, $1), ()) }
    }

    /// A change that also answers something of what it wrote.
    func changing<Value: Sendable>(
        by caller: Principal, _ body: @escaping @Sendable (any SQLConnection, Moment) throws -> (Entry, Value)
    ) async throws(Problem) -> Value {
        let actor = caller.actor
        let time = services.now()
        let value = try await services.performing {
            do {
                return try await services.driver.write { connection in
                    let events = EventRows(connection)
                    let sequence = try events.next()
                    let (entry, value) = try body(connection, Moment(time: time, sequence: sequence))
                    try events.append(entry.event(actor: actor, time: time, sequence: sequence))
                    return value
                }
            } catch StoreError.nameTaken(let name) {
                throw Problem.conflict("'\(name)' exists already")
            } catch StoreError.unknown(let what) {
                throw Problem.unknown(.name, "\(what) is not there any more")
            } catch StoreError.notEmpty {
                throw Problem.conflict("it still holds files; remove them first")
            }
        }
        // Whatever comes of the snapshot, nothing that was right before is taken on trust.
        defer { identity.authenticator.forgetAll() }
        try await services.performing { try await services.snapshot.refresh() }
        return value
    }

    /// When a change is made, on the clock and in the history.
    struct Moment {
        let time: Timestamp
        let sequence: SequenceNumber
    }

    /// What an event says beside who and when.
    struct Entry {
        let verb: Verb
        var repository: RepositoryName?
        let target: String
        var before: String?
        var after: String?

        func event(actor: String, time: Timestamp, sequence: SequenceNumber) -> Event {
            Event(
                sequence: sequence, time: time, actor: actor, verb: verb, repository: repository, package: nil,
                target: target, before: before, after: after)
        }
    }
}
