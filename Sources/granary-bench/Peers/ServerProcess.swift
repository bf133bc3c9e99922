import Glibc

/// A server's process, whose output goes to a file.
final class ServerProcess: Sendable {
    /// How long a server may take to stop before it is killed.
    private static let patienceSeconds = 10.0

    let process: pid_t
    private let cleanup: Cleanup

    /// Starts a program with nothing in its environment but `environment`. The kernel ends it when this process ends,
    /// however that comes about.
    init(
        _ command: [String], environment: [String] = [], log: String, cleanup: Cleanup
    ) throws {
        let arguments = ["/usr/bin/setpriv", "--pdeathsig", "TERM"] + command
        process = try Self.spawn(arguments, environment: ["PATH=/usr/bin:/bin:/usr/sbin:/sbin"] + environment, log: log)
        self.cleanup = cleanup
        cleanup.add(process: process)
    }

    /// Stops it and waits until it is gone.
    func stop() {
        Self.end(process)
        cleanup.remove(process: process)
    }

    var isRunning: Bool {
        var status: CInt = 0
        return waitpid(process, &status, WNOHANG) == 0
    }

    /// Ends a child of this process: asks first, kills after ten seconds.
    static func end(_ process: pid_t) {
        var status: CInt = 0
        kill(process, SIGTERM)
        let waiting = Stopwatch()
        while waitpid(process, &status, WNOHANG) == 0 {
            if waiting.seconds > patienceSeconds {
                kill(process, SIGKILL)
                waitpid(process, &status, 0)
                return
            }
            rest(seconds: 0.005)
        }
    }

    /// Runs a program to its end; answers its exit code.
    static func run(_ command: [String], environment: [String] = [], input: String? = nil, log: String) throws -> CInt {
        let all = ["PATH=/usr/bin:/bin:/usr/sbin:/sbin"] + environment
        let process = try spawn(command, environment: all, input: input, log: log)
        var status: CInt = 0
        guard waitpid(process, &status, 0) == process else { throw BenchFailure.lastError("waitpid") }
        return status & 0x7f == 0 ? (status >> 8) & 0xff : -(status & 0x7f)
    }

    private static func spawn(
        _ command: [String], environment: [String], input: String? = nil, log: String
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, input ?? "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO)
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var process = pid_t()
        let code = withCStrings(command) { arguments in
            withCStrings(environment) { posix_spawnp(&process, command[0], &actions, &attributes, arguments, $0) }
        }
        guard code == 0 else { throw BenchFailure("\(command[0]) does not start: \(String(cString: strerror(code)))") }
        return process
    }

    private static func withCStrings<Output>(
        _ texts: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Output
    ) -> Output {
        let pointers = texts.map { strdup($0) }
        defer { for pointer in pointers { free(pointer) } }
        return body(pointers + [nil])
    }
}
