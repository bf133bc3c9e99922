import Foundation
import GranaryHTTP
import GranaryModel
import GranaryTestKit
import Logging
import ServiceLifecycle
import Synchronization
import Testing

@testable import granary

@Suite("The log's lines")
struct LineWriterTests {
    private static let fields = [
        (name: "a", value: "plain"), (name: "b", value: "two words"), (name: "c", value: "a\"b\\c\nd"),
        (name: "z", value: "grün")
    ]

    private func line(_ format: LineFormat) -> String {
        var line: [UInt8] = []
        format.append(.info, "said", Self.fields, at: Array("2026-01-31T12:00:00.000Z".utf8), to: &line)
        return String(decoding: line, as: UTF8.self)
    }

    @Test("Text is one line, with quotes where they are needed")
    func text() {
        #expect(
            line(.text) == "2026-01-31T12:00:00.000Z info said a=plain b=\"two words\" c=\"a\\\"b\\\\c?d\" z=grün\n")
    }

    @Test("JSON is one object, sorted by name, that reads back")
    func json() throws {
        let text = line(.json)
        #expect(
            text.hasPrefix(#"{"a":"plain","b":"two words","c":"a\"b\\c\nd","level":"info","message":"said","time":"#))
        #expect(text.hasSuffix("}\n") && text.dropLast().allSatisfy { $0 != "\n" })
        let object = try JSONDecoder().decode([String: String].self, from: Data(text.utf8))
        #expect(
            object
                == ["level": "info", "message": "said", "time": "2026-01-31T12:00:00.000Z"].merging(
                    Self.fields.map { ($0.name, $0.value) }
                ) { first, _ in first })
    }

    @Test("A line has the moment it was written at, whatever second came before")
    func moments() async throws {
        let output = Pipe()
        let times = Moments([1_769_860_800_007, 1_769_860_800_999, 1_769_860_801_000])
        let lines = LineWriter(
            format: .text, now: { times.next() }, descriptor: output.fileHandleForWriting.fileDescriptor)
        for _ in 0..<3 { lines.write(.info, "said", []) }
        try output.fileHandleForWriting.close()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        #expect(
            text.split(separator: "\n") == [
                "2026-01-31T12:00:00.007Z info said", "2026-01-31T12:00:00.999Z info said",
                "2026-01-31T12:00:01.000Z info said"
            ])
    }

    @Test("Nothing is lost when it stops in order, whichever way lines came")
    func orderlyStop() async throws {
        let output = Pipe()
        let lines = LineWriter(
            format: .text, now: { Timestamp(milliseconds: 0) },
            descriptor: output.fileHandleForWriting.fileDescriptor)
        let group = ServiceGroup(services: [lines], logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        async let read = Task.detached { output.fileHandleForReading.readDataToEndOfFile() }.value
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            for number in 0..<20_000 {
                lines.write(.info, "said", [("number", String(number))])
                if number % 1000 == 0 { await Task.yield() }
            }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
        lines.write(.info, "said", [("number", "20000")])
        try output.fileHandleForWriting.close()
        let numbers = String(decoding: await read, as: UTF8.self).split(separator: "\n").map {
            $0.split(separator: "=").last.flatMap { Int($0) }
        }
        #expect(numbers == (0...20_000).map { $0 })
    }

    @Test("A reader that stalls costs lines, which are counted, and never waits for")
    func stalledReader() async throws {
        let output = Pipe()
        let lines = LineWriter(
            format: .text, now: { Timestamp(milliseconds: 0) },
            descriptor: output.fileHandleForWriting.fileDescriptor)
        let registry = PrometheusRegistry()
        lines.countDrops(with: registry.makeCounter(label: "dropped_total", dimensions: []))
        let group = ServiceGroup(services: [lines], logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let text = try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            let long = String(repeating: "x", count: 1000)
            // Far more than the pipe and the buffer take, so that nobody could write all of it.
            for _ in 0..<4000 {
                lines.write(.info, "said", [("long", long)])
                await Task.yield()
            }
            let read = Task.detached { output.fileHandleForReading.readDataToEndOfFile() }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            try output.fileHandleForWriting.close()
            return String(decoding: await read.value, as: UTF8.self)
        }
        let told = text.matches(of: /lines of the log were dropped count=(\d+)/).compactMap { Int($0.1) }.reduce(0, +)
        let written = text.split(separator: "\n").count { $0.contains("said") }
        #expect(told > 0 && told + written == 4000)
        #expect(registry.exposition().contains("dropped_total \(told)\n"))
    }
}

/// A clock that goes through given moments.
private final class Moments: Sendable {
    private let rest: Mutex<[Int64]>

    init(_ milliseconds: [Int64]) { rest = Mutex(milliseconds) }

    func next() -> Timestamp { rest.withLock { Timestamp(milliseconds: $0.isEmpty ? 0 : $0.removeFirst()) } }
}
