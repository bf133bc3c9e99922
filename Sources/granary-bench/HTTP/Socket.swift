import Glibc

/// A connection to a port of this machine that closes itself. Calls block, for a minute at most.
final class Socket: Sendable {
    private static let timeoutSeconds = 60

    let descriptor: CInt

    init(port: Int) throws {
        descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw BenchFailure.lastError("socket") }
        set(SOL_SOCKET, SO_RCVTIMEO, timeval(tv_sec: Self.timeoutSeconds, tv_usec: 0))
        set(SOL_SOCKET, SO_SNDTIMEO, timeval(tv_sec: Self.timeoutSeconds, tv_usec: 0))
        set(CInt(IPPROTO_TCP), TCP_NODELAY, CInt(1))
        var address = sockaddr_in.loopback(port: port)
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        // The descriptor is closed by deinit, which runs now that all properties are set.
        guard result == 0 else { throw BenchFailure.lastError("connect to port \(port)") }
    }

    deinit { close(descriptor) }

    private func set<Value: BitwiseCopyable>(_ level: CInt, _ option: CInt, _ value: Value) {
        var value = value
        setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Value>.size))
    }

    /// Sends all of `bytes`; `more` says that what follows may share a packet with them.
    func send(_ bytes: UnsafeRawBufferPointer, more: Bool = false) throws {
        let flags = CInt(MSG_NOSIGNAL) | (more ? CInt(MSG_MORE) : 0)
        var sent = 0
        while sent < bytes.count {
            let count = Glibc.send(descriptor, bytes.baseAddress.map { $0 + sent }, bytes.count - sent, flags)
            guard count > 0 else { throw BenchFailure.lastError("send") }
            sent += count
        }
    }

    /// Sends `count` bytes of a file from its beginning, straight from the page cache.
    func sendFile(_ file: CInt, count: Int) throws {
        var offset: off_t = 0
        while Int(offset) < count {
            guard sendfile(descriptor, file, &offset, count - Int(offset)) > 0 else {
                throw BenchFailure.lastError("sendfile")
            }
        }
    }

    /// Receives what there is, at least a byte; 0 when the other side has closed.
    func receive(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
        guard count >= 0 else { throw BenchFailure.lastError("recv") }
        return count
    }

    /// Takes `count` bytes off the connection without copying them anywhere.
    func discard(_ count: Int) throws {
        var rest = count
        while rest > 0 {
            let flags = CInt(MSG_TRUNC) | CInt(MSG_WAITALL)
            let taken = recv(descriptor, nil, min(rest, 1 << 20), flags)
            guard taken >= 0 else { throw BenchFailure.lastError("recv") }
            guard taken > 0 else { throw BenchFailure("a body ended \(rest) bytes early") }
            rest -= taken
        }
    }
}

extension sockaddr_in {
    static func loopback(port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr = in_addr(s_addr: INADDR_LOOPBACK.bigEndian)
        return address
    }

    /// A port of the loopback address that was free a moment ago.
    static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw BenchFailure.lastError("socket") }
        defer { close(descriptor) }
        var address = loopback(port: 0)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 ? getsockname(descriptor, $0, &size) : -1
            }
        }
        guard result == 0 else { throw BenchFailure.lastError("bind") }
        return Int(in_port_t(bigEndian: address.sin_port))
    }
}
