import FoundationEssentials
import Glibc
import Synchronization

/// What has to be gone when the run ends, however it ends: the servers' processes and their files.
final class Cleanup: Sendable {
    private struct State {
        var processes: Set<pid_t> = []
        var folders: Set<String> = []
    }

    private let state = Mutex(State())

    func add(process: pid_t) { state.withLock { _ = $0.processes.insert(process) } }
    func remove(process: pid_t) { state.withLock { _ = $0.processes.remove(process) } }
    func add(folder: String) { state.withLock { _ = $0.folders.insert(folder) } }

    /// CPU that this process and all servers, those that have ended included, have used so far.
    var cpuSeconds: Double {
        let running = state.withLock { Array($0.processes) }
        return CPUTimes.ofThisRun + ProcessUsage(of: running + running.flatMap(ProcessUsage.children)).cpuSeconds
    }

    /// Deletes a folder now.
    func delete(folder: String) {
        state.withLock { _ = $0.folders.remove(folder) }
        Self.remove(folder)
    }

    /// Somebody else may be deleting it too, or still writing: what was not there any more when it was to be deleted does
    /// not end the attempt.
    private static func remove(_ folder: String) {
        for _ in 0..<20 where FileManager.default.fileExists(atPath: folder) {
            try? FileManager.default.removeItem(atPath: folder)
        }
    }

    /// Stops what runs and deletes what is left.
    func all() {
        let (processes, folders) = state.withLock { ($0.processes, $0.folders) }
        for process in processes { ServerProcess.end(process) }
        for folder in folders { Self.remove(folder) }
    }

    /// From now on, `SIGINT` and `SIGTERM` clean up before they end this process. Call it before any thread is made: all
    /// of them have to leave these signals to the one that waits for them.
    func catchSignals() {
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGINT)
        sigaddset(&signals, SIGTERM)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        onBackgroundThread {
            var waited = sigset_t()
            sigemptyset(&waited)
            sigaddset(&waited, SIGINT)
            sigaddset(&waited, SIGTERM)
            var signal: CInt = 0
            sigwait(&waited, &signal)
            self.all()
            _exit(128 + signal)
        }
    }
}
