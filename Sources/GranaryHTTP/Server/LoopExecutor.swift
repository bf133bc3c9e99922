import NIOCore

/// Runs tasks on the thread of an event loop, so that a request that waits for nothing never changes threads.
///
/// Whoever runs on it must not keep it busy: every connection of the loop waits meanwhile.
final class LoopExecutor: TaskExecutor {
    private let loop: any EventLoop

    init(_ loop: any EventLoop) { self.loop = loop }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}

/// The executors of a group's loops. They live as long as the server does, because tasks do not hold them.
struct LoopExecutors: Sendable {
    private let executors: [ObjectIdentifier: LoopExecutor]

    init(_ group: any EventLoopGroup) {
        let pairs = group.makeIterator().map { (ObjectIdentifier($0), LoopExecutor($0)) }
        executors = Dictionary(pairs, uniquingKeysWith: { first, _ in first })
    }

    /// Nil for a loop of another group.
    subscript(loop: any EventLoop) -> LoopExecutor? { executors[ObjectIdentifier(loop)] }
}
