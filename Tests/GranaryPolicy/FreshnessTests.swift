import GranaryModel
import GranaryPolicy
import Testing

@Suite("Freshness of caches")
struct FreshnessTests {
    private static let now = Timestamp(milliseconds: 1_000_000)

    @Test(
        "What is fresh is served, what is not is asked about, and offline nobody is asked",
        arguments: [
            (nil, 60, false, .fetch), (nil, 60, true, .absent), (999_000, 60, false, .serve),
            (900_000, 60, false, .revalidate), (900_000, 60, true, .serve), (1, nil, false, .serve),
            (1_000_001, 60, false, .revalidate)
        ] as [(Int64?, Int64?, Bool, Freshness.Verdict)])
    func decisions(_ checkedAt: Int64?, _ lifetime: Int64?, _ isOffline: Bool, _ verdict: Freshness.Verdict) {
        let facts = Freshness.Facts(
            checkedAt: checkedAt.map(Timestamp.init(milliseconds:)), lifetime: lifetime.map { .seconds($0) },
            isOffline: isOffline)
        #expect(Freshness.decide(facts, now: Self.now) == verdict)
    }

    @Test("After three failures nobody asks for a while that doubles, then one does")
    func breaker() {
        var breaker = CircuitBreaker()
        var now = Self.now
        for _ in 0..<3 {
            #expect(breaker.enter(now: now) == .ask)
            breaker.fail(retryAfter: nil, now: now)
        }
        var pauses: [Int] = []
        for _ in 0..<8 {
            guard case .wait(let seconds) = breaker.enter(now: now) else { break }
            pauses.append(seconds)
            now = now.adding(.seconds(seconds))
            #expect(breaker.enter(now: now) == .ask)
            #expect(breaker.enter(now: now) == .wait(seconds: 1))
            breaker.fail(retryAfter: nil, now: now)
        }
        #expect(pauses == [1, 2, 4, 8, 16, 32, 60, 60])
        breaker.succeed()
        #expect(breaker == CircuitBreaker())
    }

    @Test("An upstream says itself when to come back, within reason")
    func retryAfter() {
        var breaker = CircuitBreaker()
        breaker.fail(retryAfter: .seconds(7), now: Self.now)
        #expect(breaker.enter(now: Self.now) == .wait(seconds: 7))
        breaker.fail(retryAfter: .seconds(1_000_000), now: Self.now)
        #expect(breaker.enter(now: Self.now) == .wait(seconds: 3600))
        // What was asked before comes after.
        breaker.succeed()
        #expect(breaker.enter(now: Self.now) == .wait(seconds: 3600))
        #expect(breaker.enter(now: Self.now.adding(.seconds(3600))) == .ask)
    }

    @Test("One absence, or many at once, is no removal")
    func removal() {
        let hour = Duration.seconds(3600)
        #expect(!UpstreamRemoval.isConfirmed(since: Self.now, count: 3, now: Self.now))
        #expect(!UpstreamRemoval.isConfirmed(since: Self.now, count: 2, now: Self.now.adding(hour * 5)))
        #expect(UpstreamRemoval.isConfirmed(since: Self.now, count: 3, now: Self.now.adding(hour * 2)))
        #expect(!UpstreamRemoval.counts(since: Self.now, count: 1, now: Self.now.adding(.seconds(60))))
        #expect(UpstreamRemoval.counts(since: Self.now, count: 1, now: Self.now.adding(hour)))
    }
}
