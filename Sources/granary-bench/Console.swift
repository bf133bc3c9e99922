import Glibc

/// What people read: the report on standard output, the progress on standard error.
enum Console {
    static func say(_ line: String) { write(line, to: STDOUT_FILENO) }

    static func progress(_ line: String) { write(line, to: STDERR_FILENO) }

    /// What cannot be written is lost: there is nobody left to tell.
    private static func write(_ line: String, to descriptor: CInt) {
        var rest = Array((line + "\n").utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}
