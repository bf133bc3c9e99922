import GranaryPorts
import Synchronization

/// A database whose changes are told to a memory of files. A change that does not say what it touches touches everything.
struct RememberedDriver: SQLDriver {
    let base: any SQLDriver
    let memory: FileMemory

    var identityColumn: String { base.identityColumn }

    func read<Value: Sendable>(_ body: @escaping @Sendable (any SQLConnection) throws -> Value) async throws -> Value {
        try await base.read(body)
    }

    func look<Value: Sendable>(_ body: @escaping @Sendable (any SQLConnection) throws -> Value) async throws -> Value {
        try await base.look(body)
    }

    @discardableResult
    func write<Value: Sendable>(_ body: @escaping @Sendable (any SQLConnection) throws -> Value) async throws -> Value {
        try await memory.changing(.everything) { try await base.write(body) }
    }

    func damage() async throws -> [String] { try await base.damage() }

    func copy(to path: String) async throws { try await base.copy(to: path) }

    /// A change that touches no more files than `scope` names, and whatever its body widens it to.
    func write<Value: Sendable>(
        touching scope: FileMemory.Scope,
        _ body: @escaping @Sendable (any SQLConnection, WidenedScope) throws -> Value
    ) async throws -> Value {
        let widened = WidenedScope(memory: memory)
        defer { widened.end() }
        return try await memory.changing(scope) { try await base.write { try body($0, widened) } }
    }
}

/// What a change may find out about itself before it is committed.
final class WidenedScope: Sendable {
    private let memory: FileMemory
    private let isWide = Mutex(false)

    init(memory: FileMemory) { self.memory = memory }

    /// The change touches everything.
    func widen() {
        isWide.withLock { isWide in
            if !isWide { memory.begin(.everything) }
            isWide = true
        }
    }

    fileprivate func end() {
        isWide.withLock { isWide in
            if isWide { memory.end(.everything) }
            isWide = false
        }
    }
}
