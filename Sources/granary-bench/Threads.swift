import Glibc
import Synchronization

/// Runs `body` once for each index from 0, each on a thread of its own, and waits for all of them. Throws the error of the
/// lowest index that failed.
func concurrently<Output: Sendable>(
    _ count: Int, _ body: @escaping @Sendable (Int) throws -> Output
) throws -> [Output] {
    let outcomes = Outcomes<Output>(count: count)
    var threads: [pthread_t] = []
    for index in 0..<count {
        let job = ThreadJob { outcomes.set(Result { try body(index) }, at: index) }
        var thread = pthread_t()
        let argument = Unmanaged.passRetained(job).toOpaque()
        let code = pthread_create(&thread, nil, runThreadJob, argument)
        guard code == 0 else {
            Unmanaged<ThreadJob>.fromOpaque(argument).release()
            for thread in threads { pthread_join(thread, nil) }
            throw BenchFailure("no thread could be made: \(String(cString: strerror(code)))")
        }
        threads.append(thread)
    }
    for thread in threads { pthread_join(thread, nil) }
    return try outcomes.all()
}

/// Runs `body` on a thread of its own until the process ends.
func onBackgroundThread(_ body: @escaping @Sendable () -> Void) {
    var thread = pthread_t()
    let argument = Unmanaged.passRetained(ThreadJob(body: body)).toOpaque()
    guard pthread_create(&thread, nil, runThreadJob, argument) == 0 else {
        Unmanaged<ThreadJob>.fromOpaque(argument).release()
        return
    }
    pthread_detach(thread)
}

private final class ThreadJob: Sendable {
    let body: @Sendable () -> Void

    init(body: @escaping @Sendable () -> Void) { self.body = body }
}

private func runThreadJob(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    Unmanaged<ThreadJob>.fromOpaque(argument).takeRetainedValue().body()
    return nil
}

private final class Outcomes<Output: Sendable>: Sendable {
    private let slots: Mutex<[Result<Output, any Error>?]>

    init(count: Int) { slots = Mutex(Array(repeating: nil, count: count)) }

    func set(_ outcome: Result<Output, any Error>, at index: Int) { slots.withLock { $0[index] = outcome } }

    func all() throws -> [Output] {
        try slots.withLock { try $0.compactMap { try $0?.get() } }
    }
}
