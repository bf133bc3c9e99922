package import GranaryFormat
package import GranaryModel
import GranaryPorts
import GranaryStore
import Logging
import ServiceLifecycle
import Synchronization

/// Does long work in the background. What is asked for is a row before it begins, so that nothing is forgotten, and what came
/// of it stays for a month.
package final class JobRunner: Service {
    /// What ended is told of as long.
    package static let memory = Duration.seconds(30 * 24 * 3600)

    /// What came of a job is tried to be written as often.
    package static let patience = Duration.seconds(10)

    /// More of a result, in characters, is not repeated in the log.
    private static let loggedResult = 500

    /// Does a job: takes its input, tells how far it is, and answers its result, all JSON objects.
    package typealias Work =
        @Sendable (_ input: String, _ tell: @escaping @Sendable (String) -> Void) async throws -> String

    private let services: Services
    private let kinds: [String: Work]
    private let metrics: [String: JobMetrics]
    private let patience: Duration
    /// How far the running jobs are, by their numbers.
    private let progress = Mutex<[Int64: String]>([:])
    private let wakes: AsyncStream<Void>
    private let wake: AsyncStream<Void>.Continuation

    package init(services: Services, kinds: [String: Work], patience: Duration = JobRunner.patience) {
        self.services = services
        self.kinds = kinds
        metrics = Dictionary(
            uniqueKeysWithValues: kinds.keys.map { ($0, JobMetrics(kind: $0, factory: services.metrics)) })
        self.patience = patience
        (wakes, wake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Whether there is work of this name.
    func does(_ kind: String) -> Bool { kinds[kind] != nil }

    /// Asks for a job. Throws `.conflict` when one of its kind is waiting or running.
    package func submit(_ kind: String, input: some Encodable, by actor: String) async throws(Problem) -> Job {
        guard kinds[kind] != nil else { throw .unsupported("there is no work called '\(kind)'") }
        let text = jsonText(input)
        let time = services.now()
        let job = try await services.performing {
            try await services.driver.write { connection in
                let rows = JobRows(connection)
                try rows.forget(before: time.adding(.zero - Self.memory))
                guard let job = try rows.insert(kind, input: text, actor: actor, at: time) else {
                    let active = try rows.active(kind).map { " (job \($0.id))" } ?? ""
                    throw Problem.conflict("a \(kind) is under way\(active)")
                }
                return job
            }
        }
        wake.yield()
        return job
    }

    /// A job, and how far it is.
    package func job(_ id: Int64) async throws(Problem) -> Job? {
        try await services.performing { try await services.driver.read { try JobRows($0).find(id) } }.map(withProgress)
    }

    /// Jobs of numbers below `before`, newest first.
    package func jobs(before: Int64, limit: Int) async throws(Problem) -> [Job] {
        try await services.performing {
            try await services.driver.read { try JobRows($0).page(before: before, limit: limit) }
        }.map(withProgress)
    }

    private func withProgress(_ job: Job) -> Job {
        guard job.state == .running, let told = progress.withLock({ $0[job.id] }) else { return job }
        return Job(
            id: job.id, kind: job.kind, input: job.input, actor: job.actor, state: job.state, result: told,
            createdAt: job.createdAt, startedAt: job.startedAt, finishedAt: job.finishedAt)
    }

    /// Works until the service is stopped. A job that is stopped with it has failed, and says so.
    package func run() async throws {
        await endInterrupted()
        await cancelWhenGracefulShutdown { [self] in
            await withDiscardingTaskGroup { group in
                wake.yield()
                for await _ in wakes {
                    for job in await takeWaiting() { group.addTask { await self.perform(job) } }
                }
            }
        }
    }

    private func takeWaiting() async -> [Job] {
        let time = services.now()
        do {
            return try await services.driver.write { try JobRows($0).takeWaiting(at: time) }
        } catch {
            services.logger.error("jobs could not be begun", metadata: ["error": "\(error)"])
            return []
        }
    }

    private func perform(_ job: Job) async {
        metrics[job.kind]?.noteStarted()
        let state: Job.State
        let result: String
        do {
            guard let work = kinds[job.kind] else { throw Problem.unsupported("this server has no such work") }
            result = try await work(job.input) { [self] told in progress.withLock { $0[job.id] = told } }
            state = .done
        } catch {
            result = Self.failure(error is CancellationError ? "the server was stopped" : sentence(error))
            state = .failed
        }
        services.logger.log(
            level: state == .done ? .info : .error, "\(job.kind) ended",
            metadata: [
                "job": "\(job.id)", "state": "\(state.rawValue)", "result": "\(result.prefix(Self.loggedResult))"
            ])
        await finish(job, state, result)
        metrics[job.kind]?.noteFinished(succeeded: state == .done)
        progress.withLock { $0[job.id] = nil }
    }

    /// Tries until it is written, as when the disk is full: a job that does not end keeps others of its kind from beginning.
    private func finish(_ job: Job, _ state: Job.State, _ result: String) async {
        while true {
            let time = services.now()
            do {
                return try await services.driver.write {
                    try JobRows($0).finish(job.id, state, result: result, at: time)
                }
            } catch {
                services.logger.error("a job's end could not be written", metadata: ["error": "\(error)"])
            }
            // Who stops the server leaves it to the next start.
            guard (try? await Task.sleep(for: patience)) != nil else { return }
        }
    }

    private func endInterrupted() async {
        let time = services.now()
        let result = Self.failure("the server ended while it ran")
        do {
            let count = try await services.driver.write {
                try JobRows($0).endInterrupted(result: result, at: time)
            }
            if count > 0 { services.logger.warning("jobs were interrupted", metadata: ["count": "\(count)"]) }
        } catch {
            services.logger.error("interrupted jobs could not be ended", metadata: ["error": "\(error)"])
        }
    }

    private static func failure(_ sentence: String) -> String { jsonText(["error": sentence]) }

    /// What went wrong, for whoever asked for the job.
    private func sentence(_ error: any Error) -> String {
        switch error {
        case Problem.conflict(let text), Problem.invalid(_, let text), Problem.unsupported(let text),
            Problem.unavailable(let text, _):
            text
        case BlobStoreError.full, SQLError.full: "the storage is full"
        default: "\(error)"
        }
    }
}
