#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// How many files and connections the process may have open.
enum OpenFiles {
    /// For the database, uploads and the rest, beside connections and what they are sent.
    static let reserve = 512
    /// An operator is told when fewer connections are possible.
    static let fewConnections = 4096
    /// No more is asked for, even where there is no limit.
    private static let most: rlim_t = 1 << 20

    /// Raises the limit as far as the system allows without privileges, and answers what it is then.
    static func raiseLimit() -> Int {
        var limit = rlimit()
        #if canImport(Glibc)
            let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #else
            let kind = RLIMIT_NOFILE
        #endif
        guard getrlimit(kind, &limit) == 0 else { return 1024 }
        var raised = limit
        raised.rlim_cur = max(limit.rlim_cur, min(limit.rlim_max, most))
        return Int(setrlimit(kind, &raised) == 0 ? raised.rlim_cur : limit.rlim_cur)
    }
}
