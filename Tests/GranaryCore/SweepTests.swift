import GranaryFormat
import GranaryModel
import GranaryPorts
import GranaryStore
import GranaryTestKit
import Synchronization
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

@testable import GranaryCore

@Suite("The sweep")
struct SweepTests {
    private static let grace = Duration.seconds(3600)

    @Test("What a version needs stays, whatever the grace period")
    func needed() async throws {
        try await Workbench.run { bench in
            try await bench.push("layer")
            try await bench.publish(version: "one", needing: ["layer"])
            bench.clock.advance(by: .seconds(1_000_000))
            let report = try await bench.sweep()
            #expect(report == SweepReport(isDryRun: false, graceSeconds: 0))
            #expect(try await bench.stores("layer"))
        }
    }

    @Test("What a removed version needed goes, its manifest too, after the grace period and not before")
    func released() async throws {
        try await Workbench.run { bench in
            try await bench.push("layer")
            try await bench.publish(version: "one", needing: ["layer"])
            try await bench.retract(version: "one")
            bench.clock.advance(by: RecentlyAsked.period + RecentlyAsked.period)

            let first = try await bench.sweep(grace: Self.grace)
            #expect(first.endedFiles == 1)
            #expect(first.markedBlobs == 2)
            #expect(first.removedBlobs == 0)
            bench.clock.advance(by: Self.grace - .seconds(1))
            #expect(try await bench.sweep(grace: Self.grace).removedBlobs == 0)
            bench.clock.advance(by: .seconds(1))
            let last = try await bench.sweep(grace: Self.grace)
            #expect(last.removedBlobs == 2)
            #expect(last.removedBytes == Int64("layer".utf8.count + "manifest one".utf8.count))
            #expect(try await bench.stores("layer") == false)
            #expect(try await bench.services.blobs.list(after: nil, limit: 10) == [])
        }
    }

    @Test("A layer that another version still needs stays")
    func shared() async throws {
        try await Workbench.run { bench in
            try await bench.push("shared")
            try await bench.publish(version: "one", needing: ["shared"])
            try await bench.publish(version: "two", needing: ["shared"])
            try await bench.retract(version: "one")
            bench.clock.advance(by: .seconds(100_000))
            #expect(try await bench.sweep().removedBlobs == 1)
            #expect(try await bench.stores("shared"))
        }
    }

    @Test("The same bytes in another package stay")
    func otherPackage() async throws {
        try await Workbench.run { bench in
            for package in ["app", "other"] {
                try await bench.push("layer", to: package)
                try await bench.publish(version: "one", needing: ["layer"], to: package)
            }
            try await bench.retract(version: "one")
            bench.clock.advance(by: .seconds(100_000))
            let report = try await bench.sweep()
            #expect(report.endedFiles == 1)
            #expect(report.removedBlobs == 0)
            #expect(try await bench.stores("layer"))
        }
    }

    @Test("A layer pushed before its manifest has a day; abandoned, it goes")
    func abandoned() async throws {
        try await Workbench.run { bench in
            try await bench.push("early")
            bench.clock.advance(by: Sweep.abandonment - .seconds(1))
            #expect(try await bench.sweep().endedFiles == 0)
            bench.clock.advance(by: .seconds(2))
            let report = try await bench.sweep()
            #expect(report.endedFiles == 1)
            #expect(report.removedBlobs == 1)
        }
    }

    @Test("What a client asked for a moment ago stays until it had the time to name it")
    func asked() async throws {
        try await Workbench.run { bench in
            try await bench.push("layer")
            try await bench.publish(version: "one", needing: ["layer"])
            try await bench.retract(version: "one")
            let path = try #require(FilePath("blobs/\(Workbench.digest("layer"))"))
            let package = try #require(PackageName("app"))
            bench.services.recentlyAsked.note(path, in: package, of: bench.repository.id)
            #expect(try await bench.sweep(grace: .seconds(1)).endedFiles == 0)
            try await bench.publish(version: "two", needing: ["layer"])
            bench.clock.advance(by: .seconds(100_000))
            #expect(try await bench.sweep().endedFiles == 0)
            #expect(try await bench.stores("layer"))
        }
    }

    @Test("Bytes that were stored and never named are found and go")
    func orphan() async throws {
        try await Workbench.run { bench in
            _ = try await bench.stage("orphan")
            #expect(try await bench.sweep(grace: Self.grace).markedBlobs == 1)
            bench.clock.advance(by: Self.grace)
            #expect(try await bench.sweep(grace: Self.grace).removedBlobs == 1)
            #expect(try await bench.stores("orphan") == false)
        }
    }

    @Test("Bytes that somebody has just stored stay, although no row names them yet")
    func held() async throws {
        try await Workbench.run { bench in
            let draft = try await bench.looseDraft("held", "app")
            let report = try await bench.sweep()
            #expect(report.removedBlobs == 0)
            #expect(report.rescuedBlobs == 1)
            try await bench.publish(draft)
            #expect(try await bench.sweep() == SweepReport(isDryRun: false, graceSeconds: 0))
            #expect(try await bench.stores("held"))
        }
    }

    @Test("Naming a marked blob again clears its mark")
    func rescued() async throws {
        try await Workbench.run { bench in
            _ = try await bench.stage("again")
            _ = try await bench.sweep(grace: Self.grace)
            try await bench.push("again")
            bench.clock.advance(by: Self.grace)
            #expect(try await bench.sweep(grace: Self.grace).removedBlobs == 0)
            #expect(try await bench.stores("again"))
        }
    }

    @Test("A preview says what a run then does, and changes nothing")
    func preview() async throws {
        try await Workbench.run { bench in
            try await bench.push("layer")
            try await bench.push("kept")
            try await bench.publish(version: "one", needing: ["layer", "kept"])
            try await bench.publish(version: "two", needing: ["kept"])
            try await bench.retract(version: "one")
            _ = try await bench.stage("orphan")
            bench.clock.advance(by: .seconds(100_000))
            for grace in [Self.grace, .zero] {
                var preview = try await Sweep(services: bench.services, grace: grace).preview()
                #expect(try await Sweep(services: bench.services, grace: grace).preview() == preview)
                preview.isDryRun = false
                #expect(try await bench.sweep(grace: grace) == preview)
            }
        }
    }

    @Test("What the sweep takes out of a package stands in the history")
    func history() async throws {
        try await Workbench.run { bench in
            try await bench.push("layer")
            try await bench.publish(version: "one", needing: ["layer"])
            try await bench.retract(version: "one")
            bench.clock.advance(by: .seconds(100_000))
            _ = try await bench.sweep()
            let event = try #require(
                try await bench.services.driver.read { try EventRows($0).page(since: .start) }.last)
            #expect(event.actor == Event.system)
            #expect(event.verb == .fileRetracted)
            #expect(event.target == "blobs/\(Workbench.digest("layer"))")
        }
    }
}

/// Stops the first transaction that takes a loose file away, between its last look and its end, until somebody has read.
private final class InterleavingDriver: SQLDriver {
    private struct State {
        var isArmed = false
        var isStopped = false
        var reads = 0
    }

    private let driver: any SQLDriver
    private let state = Mutex(State())

    init(_ driver: any SQLDriver) { self.driver = driver }

    var identityColumn: String { driver.identityColumn }

    func arm() { state.withLock { $0.isArmed = true } }

    /// Waits until a transaction has been stopped.
    func waitUntilStopped() async throws {
        while !state.withLock({ $0.isStopped }) { try await Task.sleep(for: .milliseconds(1)) }
    }

    func read<Value: Sendable>(_ body: @escaping @Sendable (any SQLConnection) throws -> Value) async throws -> Value {
        let value = try await driver.read(body)
        state.withLock { $0.reads += $0.isStopped ? 1 : 0 }
        return value
    }

    @discardableResult
    func write<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value {
        try await driver.write { [self] connection in
            let value = try body(connection)
            let stops = state.withLock { state in
                defer { state.isArmed = false }
                state.isStopped = state.isStopped || state.isArmed
                return state.isArmed
            }
            while stops, state.withLock({ $0.reads }) == 0 { usleep(1000) }
            return value
        }
    }

    func copy(to path: String) async throws { try await driver.copy(to: path) }

    func damage() async throws -> [String] { try await driver.damage() }
}

@Suite("The sweep beside who asks")
struct SweepBesideReadTests {
    @Test("What somebody was told is there stays, also when a sweep is about to take it")
    func interleaved() async throws {
        let folder = try TemporaryDirectory()
        defer { folder.remove() }
        var interleaving: InterleavingDriver?
        let bench = try await Workbench(in: folder) { driver in
            let wrapped = InterleavingDriver(driver)
            interleaving = wrapped
            return wrapped
        }
        let driver = try #require(interleaving)
        try await bench.push("layer")
        try await bench.publish(version: "one", needing: ["layer"])
        try await bench.retract(version: "one")
        bench.clock.advance(by: RecentlyAsked.period + RecentlyAsked.period)
        let reference = FileReference.path(try #require(FilePath("blobs/\(Workbench.digest("layer"))")))
        let package = try #require(PackageName("app"))
        let finder = FileFinder(services: bench.services, repository: bench.repository.id)

        driver.arm()
        async let report = bench.sweep(grace: .seconds(3600))
        try await driver.waitUntilStopped()
        // The database still has it; the sweep has looked at the notes already.
        let told = try await finder.find(reference, in: package)
        #expect(try await report.endedFiles == 1)
        #expect(try await finder.find(reference, in: package) == told)
        #expect(told == .unknownFile)
    }

    @Test("A look-up beside a sweep that leaves the file finds it")
    func spared() async throws {
        try await Workbench.run { bench in
            try await bench.push("layer")
            let reference = FileReference.path(try #require(FilePath("blobs/\(Workbench.digest("layer"))")))
            let package = try #require(PackageName("app"))
            let finder = FileFinder(services: bench.services, repository: bench.repository.id)
            let told = try await bench.services.recentlyAsked.removing { try await finder.find(reference, in: package) }
            guard case .found = told else {
                Issue.record("\(told)")
                return
            }
        }
    }
}

@Suite("What was asked for of late")
struct RecentlyAskedTests {
    @Test("A note holds for a period at least, and for two at most")
    func period() throws {
        let clock = ManualClock()
        let asked = RecentlyAsked(now: { clock.now }, period: .seconds(10))
        let path = try #require(FilePath("blobs/a"))
        let package = try #require(PackageName("app"))
        clock.advance(by: .seconds(9))
        asked.note(path, in: package, of: RepositoryID(1))
        #expect(asked.contains(path, in: package, of: RepositoryID(1)))
        #expect(!asked.contains(path, in: package, of: RepositoryID(2)))
        clock.advance(by: .seconds(10))
        #expect(asked.contains(path, in: package, of: RepositoryID(1)))
        clock.advance(by: .seconds(10))
        #expect(!asked.contains(path, in: package, of: RepositoryID(1)))
    }

    @Test("After a long silence nothing is left")
    func silence() throws {
        let clock = ManualClock()
        let asked = RecentlyAsked(now: { clock.now }, period: .seconds(10))
        let path = try #require(FilePath("blobs/a"))
        let package = try #require(PackageName("app"))
        asked.note(path, in: package, of: RepositoryID(1))
        clock.advance(by: .seconds(20))
        #expect(!asked.contains(path, in: package, of: RepositoryID(1)))
    }
}
