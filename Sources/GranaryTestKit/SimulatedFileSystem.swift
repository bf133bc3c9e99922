package import GranaryPorts
import NIOCore
import Synchronization

/// A file system in memory that fails when it is told to, and that forgets what was not flushed when the power goes.
///
/// What a crash leaves is as bad as the rules of `FileSystem` allow: of bytes and names that were not flushed, chance keeps
/// some and loses others.
package final class SimulatedFileSystem: FileSystem {
    /// What happens at an operation that could change something.
    package enum Fault: Sendable {
        /// It fails; everything after it works.
        case fail(BlobStoreError)
        /// It fails half done, and so does everything after it, until `restart`.
        case powerLoss
    }

    private struct Node {
        var bytes: [UInt8] = []
        var flushed: [UInt8] = []
    }

    private struct State {
        var nodes: [Int: Node] = [:]
        var names: [String: Int] = [:]
        var flushedNames: [String: Int] = [:]
        var locks: [String: (shared: Int, exclusive: Bool)] = [:]
        var operations = 0
        var faultAt: Int?
        var fault = Fault.powerLoss
        var isDown = false
        var chance: Generator
    }

    private let state: Mutex<State>

    /// The same seed gives the same crash.
    package init(seed: UInt64 = 1) { state = Mutex(State(chance: Generator(seed: seed))) }

    /// How many operations there were that could change something.
    package var operations: Int { state.withLock { $0.operations } }

    /// Plans a fault at the operation of a number, the first being 0.
    package func plan(_ fault: Fault, at operation: Int) {
        state.withLock { ($0.fault, $0.faultAt) = (fault, $0.operations + operation) }
    }

    /// The power is back: what is left is what was flushed, and of the rest what chance kept.
    package func restart() {
        state.withLock { state in
            for path in Set(state.names.keys).union(state.flushedNames.keys).sorted() {
                if Bool.random(using: &state.chance) { state.flushedNames[path] = state.names[path] }
            }
            for (inode, node) in state.nodes.sorted(by: { $0.key < $1.key }) {
                let kept = Int.random(in: 0...node.bytes.count, using: &state.chance)
                let isPrefix = node.bytes.starts(with: node.flushed)
                let bytes = isPrefix && kept > node.flushed.count ? Array(node.bytes.prefix(kept)) : node.flushed
                state.nodes[inode] = Node(bytes: bytes, flushed: bytes)
            }
            state.names = state.flushedNames
            (state.locks, state.isDown, state.faultAt) = ([:], false, nil)
        }
    }

    /// Counts an operation, and fails where that was planned; a half-done one does `part` first.
    private func step(
        _ state: inout State, part: (inout State) -> Void = { _ in }
    ) throws(BlobStoreError) {
        guard !state.isDown else { throw .failed("the power is off") }
        defer { state.operations += 1 }
        guard state.operations == state.faultAt else { return }
        switch state.fault {
        case .fail(let error):
            throw error
        case .powerLoss:
            part(&state)
            state.isDown = true
            throw .failed("the power went")
        }
    }

    private static func folder(of path: String) -> String {
        String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
    }
}

extension SimulatedFileSystem {
    package func open(_ path: String, for access: FileAccess) throws(BlobStoreError) -> any File {
        try state.withLock { state throws(BlobStoreError) in
            if case .create = access {
                try step(&state)
                guard state.names[path] == nil else { throw .failed("create \(path): it is there") }
                let inode = (state.nodes.keys.max() ?? 0) + 1
                state.nodes[inode] = Node()
                state.names[path] = inode
                return SimulatedFile(inode: inode, system: self)
            }
            guard !state.isDown, let inode = state.names[path] else { throw .failed("open \(path): it is not there") }
            return SimulatedFile(inode: inode, system: self)
        }
    }

    package func exists(_ path: String) -> Bool {
        state.withLock { state in state.names[path] != nil || state.names.keys.contains { $0.hasPrefix(path + "/") } }
    }

    /// Directories are there when something is in them.
    package func makeDirectory(_ path: String) throws(BlobStoreError) {
        try state.withLock { state throws(BlobStoreError) in try step(&state) }
    }

    package func synchronizeDirectory(_ path: String) throws(BlobStoreError) {
        try state.withLock { state throws(BlobStoreError) in
            try step(&state)
            for name in Set(state.names.keys).union(state.flushedNames.keys) where Self.folder(of: name) == path {
                state.flushedNames[name] = state.names[name]
            }
        }
    }

    package func move(_ source: String, to target: String) throws(BlobStoreError) {
        try state.withLock { state throws(BlobStoreError) in
            try step(&state)
            guard let inode = state.names.removeValue(forKey: source) else { throw .failed("\(source) is not there") }
            state.names[target] = inode
        }
    }

    package func remove(_ path: String) throws(BlobStoreError) {
        try state.withLock { state throws(BlobStoreError) in
            try step(&state)
            state.names[path] = nil
        }
    }

    package func entries(of path: String) throws(BlobStoreError) -> [FileEntry] {
        try state.withLock { state throws(BlobStoreError) in
            guard !state.isDown else { throw .failed("the power is off") }
            return state.names.filter { Self.folder(of: $0.key) == path }.map { name, inode in
                FileEntry(
                    name: String(name.dropFirst(path.count + 1)), size: Int64(state.nodes[inode]?.bytes.count ?? 0),
                    modified: 0)
            }
        }
    }

    package func lock(_ path: String, exclusively isExclusive: Bool) throws(BlobStoreError) -> FileLock? {
        let isTaken = state.withLock { state in
            let held = state.locks[path] ?? (0, false)
            guard !held.exclusive, !isExclusive || held.shared == 0 else { return false }
            state.locks[path] = (held.shared + (isExclusive ? 0 : 1), isExclusive)
            return true
        }
        return isTaken ? SimulatedLock { [self] in unlock(path, isExclusive) } : nil
    }

    private func unlock(_ path: String, _ isExclusive: Bool) {
        state.withLock { state in
            let held = state.locks[path] ?? (0, false)
            state.locks[path] = (max(0, held.shared - (isExclusive ? 0 : 1)), false)
        }
    }
}

// MARK: - Files

extension SimulatedFileSystem {
    fileprivate func bytes(of inode: Int) throws(BlobStoreError) -> [UInt8] {
        try state.withLock { state throws(BlobStoreError) in
            guard !state.isDown, let node = state.nodes[inode] else { throw .failed("the power is off") }
            return node.bytes
        }
    }

    fileprivate func write(_ bytes: [UInt8], at offset: Int, to inode: Int) throws(BlobStoreError) {
        try state.withLock { state throws(BlobStoreError) in
            try step(&state) { state in Self.put(bytes.prefix(bytes.count / 2), at: offset, &state.nodes[inode]) }
            Self.put(bytes[...], at: offset, &state.nodes[inode])
        }
    }

    private static func put(_ bytes: ArraySlice<UInt8>, at offset: Int, _ node: inout Node?) {
        guard var held = node?.bytes else { return }
        if held.count < offset + bytes.count {
            held += [UInt8](repeating: 0, count: offset + bytes.count - held.count)
        }
        held.replaceSubrange(offset..<offset + bytes.count, with: bytes)
        node?.bytes = held
    }

    fileprivate func truncate(_ inode: Int, to size: Int) throws(BlobStoreError) {
        try state.withLock { state throws(BlobStoreError) in
            try step(&state)
            let held = state.nodes[inode]?.bytes ?? []
            state.nodes[inode]?.bytes = Array(held.prefix(size))
        }
    }

    fileprivate func synchronize(_ inode: Int) throws(BlobStoreError) {
        try state.withLock { state throws(BlobStoreError) in
            try step(&state)
            let bytes = state.nodes[inode]?.bytes ?? []
            state.nodes[inode]?.flushed = bytes
        }
    }
}

private final class SimulatedFile: File {
    private let inode: Int
    private let system: SimulatedFileSystem

    init(inode: Int, system: SimulatedFileSystem) {
        self.inode = inode
        self.system = system
    }

    func size() throws(BlobStoreError) -> Int64 { Int64(try system.bytes(of: inode).count) }

    func read(at offset: Int64, count: Int) throws(BlobStoreError) -> ByteBuffer {
        ByteBuffer(bytes: try system.bytes(of: inode).dropFirst(Int(offset)).prefix(count))
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(BlobStoreError) {
        try system.write(Array(bytes), at: Int(offset), to: inode)
    }

    func truncate(to size: Int64) throws(BlobStoreError) { try system.truncate(inode, to: Int(size)) }

    func synchronize() throws(BlobStoreError) { try system.synchronize(inode) }
}

private final class SimulatedLock: Sendable {
    private let end: @Sendable () -> Void

    init(end: @escaping @Sendable () -> Void) { self.end = end }

    deinit { end() }
}
