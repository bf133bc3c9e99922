import GranaryModel
import Testing

@testable import GranaryCore

@Suite("The pace of log-ins")
struct LoginThrottleTests {
    private let start = Timestamp(milliseconds: 1_700_000_000_000)
    private let throttle = LoginThrottle()

    /// What an attempt would have to wait.
    private func wait(_ user: String, _ address: String, at time: Timestamp? = nil) -> Duration? {
        if let wait = throttle.begin(user, at: address, now: time ?? start) { return wait }
        throttle.end(user, at: address, .unknown, now: time ?? start)
        return nil
    }

    /// Fails as soon as it may each time; answers when the last was.
    @discardableResult
    private func fail(_ count: Int, _ user: String, _ address: String, from time: Timestamp? = nil) -> Timestamp {
        var time = time ?? start
        for _ in 0..<count {
            while let wait = throttle.begin(user, at: address, now: time) { time = time.adding(wait) }
            throttle.end(user, at: address, .wrong, now: time)
        }
        return time
    }

    @Test("A few are free; then each makes the next wait twice as long, up to a minute")
    func growing() {
        fail(4, "ann", "10.0.0.1")
        #expect(wait("ann", "10.0.0.1") == nil)
        var time = start
        for expected in [1, 2, 4, 8, 16, 32, 60, 60] {
            time = fail(1, "ann", "10.0.0.1", from: time)
            #expect(wait("ann", "10.0.0.1", at: time) == .seconds(expected))
        }
        #expect(wait("ann", "10.0.0.1", at: time.adding(.seconds(60))) == nil)
        #expect(wait("bob", "10.0.0.1", at: time) == nil)
    }

    @Test("An account that is guessed at from everywhere waits for seconds at most elsewhere, its owner not at all")
    func elsewhere() {
        throttle.end("ann", at: "10.0.0.3", .right, now: start)
        var time = fail(30, "ann", "10.0.0.1")
        #expect(wait("ann", "10.0.0.2", at: time) == nil)
        for number in 0..<200 { time = fail(1, "ann", "10.1.0.\(number)", from: time) }
        #expect(wait("ann", "10.0.0.2", at: time) == .seconds(4))
        #expect(wait("ann", "10.0.0.3", at: time) == nil)
        fail(6, "ann", "10.0.0.3", from: time)
        #expect(wait("ann", "10.0.0.3", at: time) != nil)
    }

    @Test("An address that tries many accounts waits for seconds, whichever it tries next")
    func spraying() {
        for number in 0..<99 { fail(1, "user\(number)", "10.0.0.1") }
        #expect(wait("another", "10.0.0.1") == nil)
        var time = start
        for number in 0..<20 { time = fail(1, "other\(number)", "10.0.0.1", from: time) }
        #expect(wait("another", "10.0.0.1", at: time) == .seconds(10))
        #expect(wait("user1", "10.0.0.2", at: time) == nil)
    }

    @Test("Many at once get no further than one after the other")
    func atOnce() {
        for _ in 0..<5 { #expect(throttle.begin("ann", at: "10.0.0.1", now: start) == nil) }
        #expect(throttle.begin("ann", at: "10.0.0.1", now: start) == .seconds(1))
        // What came to nothing is given back, and what proved right forgives.
        throttle.end("ann", at: "10.0.0.1", .unknown, now: start)
        #expect(throttle.begin("ann", at: "10.0.0.1", now: start) == nil)
        for _ in 0..<4 { throttle.end("ann", at: "10.0.0.1", .wrong, now: start) }
        throttle.end("ann", at: "10.0.0.1", .right, now: start)
        for _ in 0..<5 { #expect(throttle.begin("ann", at: "10.0.0.1", now: start) == nil) }
    }

    @Test("A right password forgives the slips before it, and time forgives all")
    func forgiving() {
        fail(4, "ann", "10.0.0.1")
        #expect(throttle.begin("ann", at: "10.0.0.1", now: start) == nil)
        throttle.end("ann", at: "10.0.0.1", .right, now: start)
        fail(4, "ann", "10.0.0.1")
        #expect(wait("ann", "10.0.0.1") == nil)
        let later = start.adding(LoginThrottle.memory)
        fail(4, "ann", "10.0.0.1", from: later)
        #expect(wait("ann", "10.0.0.1", at: later) == nil)
    }

    @Test("Wrong tokens count against their address and no account")
    func tokens() {
        for _ in 0..<100 { throttle.noteFailure(at: "10.0.0.1", now: start) }
        #expect(wait("ann", "10.0.0.1") == .seconds(1))
        #expect(wait("ann", "10.0.0.2") == nil)
    }

    @Test("What is remembered is bounded, and who waits is forgotten last")
    func bounded() {
        let time = fail(30, "ann", "10.0.0.1")
        for number in 0..<LoginThrottle.capacity { fail(1, "user\(number)", "10.1.0.\(number)", from: time) }
        #expect(wait("ann", "10.0.0.1", at: time) == .seconds(60))
    }

    private static let networks = [
        ("10.0.0.1", "10.0.0.1"), ("::ffff:10.0.0.1", "10.0.0.1"), ("-", "-"), ("::1", "0:0:0:0"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2"), ("2001:db8:1:2::6", "2001:db8:1:2"), ("2001:db8::6", "2001:db8:0:0"),
        ("2001:db8::3:4:5:6:7", "2001:db8:0:3"), ("2001:db8:1:2:3::", "2001:db8:1:2"), ("::", "0:0:0:0")
    ]

    @Test("Of IPv6 a whole network counts as one address", arguments: networks)
    func network(_ address: String, _ expected: String) {
        #expect(LoginThrottle.network(of: address) == expected)
    }
}
