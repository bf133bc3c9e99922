import FoundationEssentials
import GranaryFormat
import GranaryModel
import GranaryTestKit
import Synchronization
import Testing

@testable import GranaryCore

/// Hashes nothing until it is told to.
private final class HeldHashing: Sendable {
    private let state = Mutex<(waiting: [CheckedContinuation<Void, Never>], began: Int)>(([], 0))

    var began: Int { state.withLock { $0.began } }

    @Sendable func run(_ work: @escaping @Sendable () -> Bool) async -> Bool? {
        await withCheckedContinuation { continuation in
            state.withLock { state in
                state.began += 1
                state.waiting.append(continuation)
            }
        }
        return Task.isCancelled ? nil : work()
    }

    func letGo() {
        let waiting = state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    /// Waits until so many have come.
    func wait(for count: Int) async throws {
        while began < count { try await Task.sleep(for: .milliseconds(1)) }
    }
}

@Suite("Passwords that wait to be hashed")
struct PasswordQueueTests {
    /// What `attempt` answers somebody whose name is `user`.
    private func withAuthenticator(
        _ body: (HeldHashing, _ attempt: @escaping @Sendable (String) async -> Problem?) async throws -> Void
    ) async throws {
        try await Workbench.run { bench in
            let hashing = HeldHashing()
            let services = bench.services
            let signer = await TokenSigner(
                key: [UInt8](repeating: 7, count: 32), now: services.now, random: services.random)
            let identity = Identity(services: services, signer: signer, hashing: hashing.run)
            try await body(hashing) { user in
                do throws(Problem) {
                    _ = try await identity.authenticator.authenticate(user: user, secret: "secret", from: "192.0.2.1")
                    return nil
                } catch {
                    return error
                }
            }
        }
    }

    @Test("They are bounded; who comes beyond is told so, and may come again")
    func bounded() async throws {
        try await withAuthenticator { hashing, attempt in
            try await withThrowingTaskGroup(of: Problem?.self) { group in
                for number in 0..<PasswordQueue.capacity { group.addTask { await attempt("user\(number)") } }
                try await hashing.wait(for: PasswordQueue.capacity)
                #expect(await attempt("another") == .unavailable("too many log in at once", retryAfter: 1))
                hashing.letGo()
                for try await problem in group { #expect(problem?.isWrongCredential == true) }
                group.addTask { await attempt("another") }
                try await hashing.wait(for: PasswordQueue.capacity + 1)
                hashing.letGo()
                #expect(try await group.next()??.isWrongCredential == true)
            }
        }
    }

    @Test("The same credential many times at once is hashed once")
    func shared() async throws {
        try await withAuthenticator { hashing, attempt in
            try await withThrowingTaskGroup(of: Problem?.self) { group in
                for _ in 0..<50 { group.addTask { await attempt("ann") } }
                try await hashing.wait(for: 1)
                try await Task.sleep(for: .milliseconds(100))
                hashing.letGo()
                // Whoever came late is the first of its own.
                group.addTask {
                    while !Task.isCancelled {
                        hashing.letGo()
                        try await Task.sleep(for: .milliseconds(1))
                    }
                    return nil
                }
                for _ in 0..<50 { #expect(try await group.next()??.isWrongCredential == true) }
                group.cancelAll()
                #expect(hashing.began < 5)
            }
        }
    }

    @Test("Who goes away has not failed, and takes nobody who waits for the same along")
    func abandoned() async throws {
        try await withAuthenticator { hashing, attempt in
            for number in 1...6 {
                let task = Task { await attempt("ann") }
                try await hashing.wait(for: number)
                task.cancel()
                hashing.letGo()
                #expect(await task.value == .unavailable("the password could not be checked", retryAfter: 1))
            }
            let first = Task { await attempt("ann") }
            try await hashing.wait(for: 7)
            let second = Task { await attempt("ann") }
            try await Task.sleep(for: .milliseconds(50))
            first.cancel()
            hashing.letGo()
            try await hashing.wait(for: 8)
            hashing.letGo()
            #expect(await second.value?.isWrongCredential == true)
        }
    }
}

extension Problem {
    fileprivate var isWrongCredential: Bool {
        if case .unauthenticated = self { true } else { false }
    }
}
