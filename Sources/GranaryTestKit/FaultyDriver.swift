package import GranaryPorts
import Synchronization

/// A database that fails a write when it is told to: before anything is written, or after all of it was, when only the answer
/// is lost.
package final class FaultyDriver: SQLDriver {
    /// When in a write it fails.
    package enum Fault: Sendable, CaseIterable { case before, after }

    private struct Plan {
        var writes = 0
        var faultAt: Int?
        var fault = Fault.before
    }

    private let driver: any SQLDriver
    private let plan = Mutex(Plan())

    package init(_ driver: any SQLDriver) { self.driver = driver }

    /// How many writes there were.
    package var writes: Int { plan.withLock { $0.writes } }

    /// Plans a fault at the write of a number, the next being 0.
    package func plan(_ fault: Fault, at write: Int) {
        plan.withLock { ($0.fault, $0.faultAt) = (fault, $0.writes + write) }
    }

    package var identityColumn: String { driver.identityColumn }

    package func read<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value {
        try await driver.read(body)
    }

    @discardableResult
    package func write<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value {
        let fault = plan.withLock { plan in
            defer { plan.writes += 1 }
            return plan.writes == plan.faultAt ? plan.fault : nil
        }
        if fault == .before { throw SQLError.full }
        let value = try await driver.write(body)
        if fault == .after { throw SQLError.failed("the answer was lost") }
        return value
    }

    package func copy(to path: String) async throws { try await driver.copy(to: path) }

    package func damage() async throws -> [String] { try await driver.damage() }
}
