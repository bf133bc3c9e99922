import GranaryModel
import Synchronization

/// Slows down those who guess passwords, by account and by address, without telling which accounts there are and without
/// locking anybody out.
///
/// 1. After a few failures each further one makes the next attempt wait twice as long. Of one account from one address that
///    is up to a minute; of one address over all accounts, where many people may share it, and of one account from all
///    addresses, a few seconds.
/// 2. An attempt counts as failed until it has proved right, so that many at once get no further than one after the other.
/// 3. What others do elsewhere does not hold up an address from which the account has logged in of late.
///
/// Memory is bounded: what holds nobody up is forgotten first.
final class LoginThrottle: Sendable {
    /// How many failures are free, and how long the wait grows.
    private struct Rule {
        let free: Int
        let longest: Duration

        /// Nothing for the free ones, then a second, two, four and so on.
        func delay(after count: Int) -> Duration {
            count < free ? .zero : min(.seconds(1 << min(count - free, 10)), longest)
        }
    }

    private static let pair = Rule(free: 5, longest: .seconds(60))
    private static let address = Rule(free: 100, longest: .seconds(10))
    private static let account = Rule(free: 50, longest: .seconds(4))
    /// Failures are forgotten after as long without another.
    static let memory = Duration.seconds(900)
    /// An address is an owner's for as long after they have logged in from it.
    static let ownership = Duration.seconds(24 * 3600)
    /// Accounts, addresses and pairs of them that are remembered.
    static let capacity = 20_000

    /// What came of an attempt.
    enum Outcome {
        case right, wrong
        /// It could not be found out.
        case unknown
    }

    private struct Pair: Hashable {
        let user: String
        let address: String
    }

    private enum Key: Hashable {
        case pair(Pair)
        case address(String)
        case account(String)

        var rule: Rule {
            switch self {
            case .pair: LoginThrottle.pair
            case .address: LoginThrottle.address
            case .account: LoginThrottle.account
            }
        }
    }

    private struct Attempts {
        var failed = 0
        var lastFailed = Timestamp(milliseconds: 0)
        /// Those that have not come to anything yet, and when the last of them began.
        var open = 0
        var lastBegan = Timestamp(milliseconds: 0)

        func remembered(at now: Timestamp) -> Int { lastFailed.adding(LoginThrottle.memory) > now ? failed : 0 }

        /// When the next attempt may be made.
        func end(of rule: Rule, at now: Timestamp) -> Timestamp {
            let last = open > 0 ? max(lastFailed, lastBegan) : lastFailed
            return last.adding(rule.delay(after: remembered(at: now) + open))
        }
    }

    private struct State {
        var attempts: [Key: Attempts] = [:]
        /// Until when an address is that of an account's owner.
        var owners: [Pair: Timestamp] = [:]
    }

    private let state = Mutex(State())

    /// Begins an attempt of whoever is at `address` to log in as `user`, to be ended by `end`; or answers how long they
    /// must wait before they may.
    func begin(_ user: String, at address: String, now: Timestamp) -> Duration? {
        let pair = Self.pair(user, address)
        return state.withLock { state in
            let isOwner = state.owners[pair].map { $0 > now } ?? false
            let until = Self.keys(pair).compactMap { key -> Timestamp? in
                if isOwner, case .account = key { return nil }
                return state.attempts[key]?.end(of: key.rule, at: now)
            }.max()
            if let until, until > now { return .milliseconds(until.milliseconds - now.milliseconds) }
            Self.makeRoom(&state.attempts, now)
            for key in Self.keys(pair) {
                state.attempts[key, default: Attempts()].open += 1
                state.attempts[key]?.lastBegan = now
            }
            return nil
        }
    }

    /// Ends an attempt. A right password also says that what was wrong before from this address was a slip.
    func end(_ user: String, at address: String, _ outcome: Outcome, now: Timestamp) {
        let pair = Self.pair(user, address)
        state.withLock { state in
            for key in Self.keys(pair) { Self.end(&state.attempts[key], outcome, now) }
            guard outcome == .right else { return }
            state.attempts[.pair(pair)]?.failed = 0
            if state.owners.count >= Self.capacity { state.owners = state.owners.filter { $0.value > now } }
            if state.owners.count >= Self.capacity { state.owners = [:] }
            state.owners[pair] = now.adding(Self.ownership)
        }
    }

    /// Notes a failure that tells of an address, and of no account.
    func noteFailure(at address: String, now: Timestamp) {
        state.withLock { state in
            Self.makeRoom(&state.attempts, now)
            let key = Key.address(Self.network(of: address))
            state.attempts[key, default: Attempts()].open += 1
            Self.end(&state.attempts[key], .wrong, now)
        }
    }

    private static func end(_ attempts: inout Attempts?, _ outcome: Outcome, _ now: Timestamp) {
        guard var held = attempts else { return }
        held.open -= 1
        if outcome == .wrong {
            held.failed = held.remembered(at: now) + 1
            held.lastFailed = now
        }
        attempts = held.open == 0 && held.failed == 0 ? nil : held
    }

    private static func pair(_ user: String, _ address: String) -> Pair {
        // Longer names are nobody's; what differs only beyond this is taken for one.
        Pair(user: String(decoding: user.utf8.prefix(128), as: UTF8.self), address: network(of: address))
    }

    private static func keys(_ pair: Pair) -> [Key] { [.pair(pair), .address(pair.address), .account(pair.user)] }

    /// Who has one address of IPv6 has all of its network (RFC 6177, section 2): the first 64 bits of it. An address of IPv4
    /// stands for itself, in the notation of IPv6, too.
    static func network(of address: String) -> String {
        guard address.contains(":") else { return address }
        if address.contains(".") { return address.split(separator: ":").last.map(String.init) ?? address }
        let groups = address.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard let gap = groups.dropLast().firstIndex(of: ""), groups.count <= 9 else {
            return groups.prefix(4).joined(separator: ":")
        }
        let before = groups[..<gap].filter { !$0.isEmpty }
        let after = groups[gap...].filter { !$0.isEmpty }
        let zeros = [String](repeating: "0", count: max(8 - before.count - after.count, 0))
        return (before + zeros + after).prefix(4).joined(separator: ":")
    }

    private static func makeRoom(_ attempts: inout [Key: Attempts], _ now: Timestamp) {
        guard attempts.count >= capacity else { return }
        attempts = attempts.filter { $0.value.open > 0 || $0.value.remembered(at: now) > 0 }
        // So many that it need not be done again for the next.
        guard attempts.count > capacity / 2 else { return }
        attempts = attempts.filter { $0.value.open > 0 || $0.value.failed >= $0.key.rule.free }
        guard attempts.count > capacity / 2 else { return }
        attempts = attempts.filter { $0.value.open > 0 }
    }
}
