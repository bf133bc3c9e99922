import GranaryModel
import GranaryPorts
import GranaryTestKit
import Testing

@testable import GranaryCore

/// What clients and the sweep do, and which versions they were told of.
private struct Traffic {
    private(set) var published: Set<String> = []

    mutating func run(on bench: Workbench) async {
        for version in ["one", "two", "three"] {
            let texts = ["layer of \(version)", "shared"]
            for text in texts { try? await bench.push(text) }
            if (try? await bench.publish(version: version, needing: texts)) != nil { published.insert(version) }
        }
        published.remove("two")
        try? await bench.retract(version: "two")
        bench.clock.advance(by: .seconds(100_000))
        _ = try? await bench.sweep()
        try? await bench.push("layer of two")
        if (try? await bench.publish(version: "four", needing: ["layer of two", "shared"])) != nil {
            published.insert("four")
        }
    }

    /// Everything a row names is stored and whole, and every version that was answered for is there.
    func expectWhole(_ bench: Workbench, _ fault: String) async throws {
        let report = try await Check(services: bench.services).run()
        #expect(report.findings == [], "\(fault)")
        let held = try await bench.services.driver.read { connection in
            try connection.query("select name from version where valid_until is null", []).map { $0.text(0) }
        }
        #expect(published.isSubset(of: held), "\(fault): \(published) of \(held)")
    }
}

@Suite("A server whose disk or database fails")
struct ServerFaultTests {
    @Test("A power failure at any write of bytes leaves every row with its bytes")
    func powerLoss() async throws {
        var operation = 0
        var isDone = false
        while !isDone {
            let folder = try TemporaryDirectory()
            defer { folder.remove() }
            let files = SimulatedFileSystem(seed: UInt64(operation))
            files.plan(.powerLoss, at: operation)
            var traffic = Traffic()
            if let bench = try? await Workbench(in: folder, files: files) { await traffic.run(on: bench) }
            isDone = files.operations <= operation
            files.restart()
            let restarted = try await Workbench(in: folder, files: files)
            try await traffic.expectWhole(restarted, "power failure at \(operation)")
            await traffic.run(on: restarted)
            try await traffic.expectWhole(restarted, "again after power failure at \(operation)")
            operation += 1
        }
        #expect(operation > 50)
    }

    @Test("A full disk at any write of bytes leaves every row with its bytes", arguments: [BlobStoreError.full])
    func fullDisk(_ error: BlobStoreError) async throws {
        var operation = 0
        var isDone = false
        while !isDone {
            let folder = try TemporaryDirectory()
            defer { folder.remove() }
            let files = SimulatedFileSystem()
            let bench = try await Workbench(in: folder, files: files)
            files.plan(.fail(error), at: operation)
            let before = files.operations
            var traffic = Traffic()
            await traffic.run(on: bench)
            isDone = files.operations - before <= operation
            try await traffic.expectWhole(bench, "full disk at \(operation)")
            operation += 1
        }
        #expect(operation > 50)
    }

    @Test("A database that fails any write, or whose answer is lost, leaves every row with its bytes")
    func database() async throws {
        for fault in FaultyDriver.Fault.allCases {
            var write = 0
            var isDone = false
            while !isDone {
                let folder = try TemporaryDirectory()
                defer { folder.remove() }
                let drivers = Drivers()
                let bench = try await Workbench(in: folder) { drivers.wrap($0) }
                let driver = try #require(drivers.faulty)
                let before = driver.writes
                driver.plan(fault, at: write)
                var traffic = Traffic()
                await traffic.run(on: bench)
                isDone = driver.writes - before <= write
                try await traffic.expectWhole(bench, "\(fault) write \(write)")
                write += 1
            }
            #expect(write > 10)
        }
    }

    @Test("The scrub rests when the database fails, and goes on")
    func scrub() async throws {
        let folder = try TemporaryDirectory()
        defer { folder.remove() }
        let drivers = Drivers()
        let bench = try await Workbench(in: folder) { drivers.wrap($0) }
        let driver = try #require(drivers.faulty)
        try await bench.push("layer")
        let before = driver.writes
        driver.plan(.before, at: 0)
        let scrub = Scrub(services: bench.services, bytesPerSecond: 100 << 20, rest: .milliseconds(1))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await scrub.run() }
            for _ in 0..<1000 where driver.writes < before + 3 { try await Task.sleep(for: .milliseconds(5)) }
            group.cancelAll()
            try await group.waitForAll()
        }
        // Failed once, then its position behind the only blob, then at the beginning again.
        #expect(driver.writes == before + 3)
    }

    @Test("A job whose end cannot be written ends when it can be again")
    func jobEnd() async throws {
        let folder = try TemporaryDirectory()
        defer { folder.remove() }
        let drivers = Drivers()
        let bench = try await Workbench(in: folder) { drivers.wrap($0) }
        let driver = try #require(drivers.faulty)
        let runner = JobRunner(
            services: bench.services,
            kinds: [
                "work": { _, _ in
                    driver.plan(.before, at: 0)
                    return "{}"
                }
            ], patience: .milliseconds(1))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await runner.run() }
            let id = try await runner.submit("work", input: NoInput(), by: "ann").id
            var job: Job?
            for _ in 0..<1000 where job?.finishedAt == nil {
                job = try await runner.job(id)
                try await Task.sleep(for: .milliseconds(5))
            }
            #expect(job?.state == .done)
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    /// Remembers the driver it made.
    private final class Drivers {
        private(set) var faulty: FaultyDriver?

        func wrap(_ driver: any SQLDriver) -> any SQLDriver {
            let made = FaultyDriver(driver)
            faulty = made
            return made
        }
    }
}
