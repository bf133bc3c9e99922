import GranaryFormat
import GranaryModel
import GranaryPorts
import GranaryStore
import ServiceLifecycle
import GranaryTestKit
import Testing

@testable import GranaryCore

@Suite("Long work")
struct JobRunnerTests {
    private struct Input: Codable { let number: Int }

    /// Runs a job runner while `body` runs.
    private func running(
        _ bench: Workbench, _ kinds: [String: JobRunner.Work], _ body: (JobRunner) async throws -> Void
    ) async throws {
        let runner = JobRunner(services: bench.services, kinds: kinds)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await runner.run() }
            try await body(runner)
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    private func ended(_ id: Int64, _ runner: JobRunner) async throws -> Job {
        for _ in 0..<1000 {
            let job = try #require(try await runner.job(id))
            if job.finishedAt != nil { return job }
            try await Task.sleep(for: .milliseconds(5))
        }
        throw CancellationError()
    }

    @Test("A job gets its input, tells how far it is, and leaves its result")
    func done() async throws {
        try await Workbench.run { bench in
            let (halts, halt) = AsyncStream<Void>.makeStream()
            let work: JobRunner.Work = { input, tell in
                tell(#"{"far":1}"#)
                for await _ in halts { break }
                return input
            }
            try await running(bench, ["work": work]) { runner in
                let job = try await runner.submit("work", input: Input(number: 7), by: "ann")
                #expect(job.state == .waiting)
                var told: String?
                for _ in 0..<1000 where told == nil {
                    told = try await runner.job(job.id)?.result
                    try await Task.sleep(for: .milliseconds(5))
                }
                #expect(told == #"{"far":1}"#)
                // One of a kind at a time.
                await #expect(throws: Problem.self) {
                    try await runner.submit("work", input: Input(number: 8), by: "ann")
                }
                halt.yield()
                let end = try await ended(job.id, runner)
                #expect(end.state == .done)
                #expect(end.result == #"{"number":7}"#)
                #expect(end.actor == "ann")
                halt.finish()
                _ = try await runner.submit("work", input: Input(number: 9), by: "ann")
            }
        }
    }

    @Test("A job that fails says why")
    func failed() async throws {
        try await Workbench.run { bench in
            try await running(bench, ["work": { _, _ in throw Problem.conflict("not now") }]) { runner in
                let job = try await runner.submit("work", input: Input(number: 1), by: "ann")
                let end = try await ended(job.id, runner)
                #expect(end.state == .failed)
                #expect(end.result == #"{"error":"not now"}"#)
                #expect(try await runner.jobs(before: .max, limit: 10).map(\.id) == [job.id])
            }
        }
    }

    @Test("What was running when the process ended has failed; what waited is done")
    func restart() async throws {
        try await Workbench.run { bench in
            let time = bench.clock.now
            let running = try await bench.services.driver.write { connection in
                let rows = JobRows(connection)
                _ = try rows.insert("first", input: "{}", actor: "ann", at: time)
                let taken = try rows.takeWaiting(at: time)
                _ = try rows.insert("second", input: "{}", actor: "ann", at: time)
                return taken
            }
            let first = try #require(running.first)
            try await self.running(bench, ["first": { _, _ in "{}" }, "second": { _, _ in "{}" }]) { runner in
                let ended = try await ended(first.id, runner)
                #expect(ended.state == .failed)
                #expect(try await self.ended(first.id + 1, runner).state == .done)
            }
        }
    }
}
