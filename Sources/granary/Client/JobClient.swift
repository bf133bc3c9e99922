import FoundationEssentials
import GranaryHTTP
import GranaryModel

/// Asks a server for long work and waits for its end.
struct JobClient {
    /// A job that takes longer goes on, and is looked at with `granary job show`.
    static let maximumWait = Duration.seconds(24 * 3600)

    let client: APIClient

    /// Answers the job when it is done. Tells on the way how far it is, where a person watches. A failed job throws.
    func run(_ path: String, _ body: some Encodable) async throws -> Wire.Job {
        var job: Wire.Job = try await client.post(path, body)
        var pause = Duration.milliseconds(50)
        let limit = ContinuousClock.now + Self.maximumWait
        while job.finishedAt == nil, ContinuousClock.now < limit {
            try await Task.sleep(for: pause)
            pause = min(pause * 2, .seconds(1))
            job = try await client.get("/jobs/\(job.id)")
            if job.state == .running, let result = job.result { Terminal.watch(result.line) }
        }
        Terminal.watch("")
        guard job.state != .failed else {
            throw Failure("the \(job.kind) failed: \(job.result?.member("error")?.line ?? "no reason")", .failed)
        }
        return job
    }
}

extension Wire.Job {
    /// What came of it. Throws a `Failure` for a report of another shape.
    func report<Report: Decodable>(_ type: Report.Type) throws -> Report {
        let text = jsonText(result ?? .object([:]))
        do {
            return try JSONDecoder().decode(type, from: Data(text.utf8))
        } catch {
            throw Failure("the server gave a report this version cannot read", .failed)
        }
    }
}

extension JSONValue {
    /// A member of an object.
    func member(_ name: String) -> JSONValue? {
        if case .object(let members) = self { return members[name] }
        return nil
    }

    /// On one line, for people.
    var line: String {
        switch self {
        case .null: "none"
        case .boolean(let value): value ? "yes" : "no"
        case .integer(let value): String(value)
        case .number(let value): String(value)
        case .string(let value): value
        case .array(let values): values.map(\.line).joined(separator: ", ")
        case .object(let members):
            members.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.line)" }.joined(separator: ", ")
        }
    }
}
