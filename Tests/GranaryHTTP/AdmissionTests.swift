import GranaryCore
import GranaryFormat
import HTTPTypes
import Testing

@testable import GranaryHTTP

@Suite("Places for requests")
struct AdmissionTests {
    private let registry = PrometheusRegistry()

    private func admission(_ change: (inout Limits) -> Void = { _ in }) -> Admission {
        var limits = Limits()
        limits.requests = .init(ofAddress: 2, total: 3)
        limits.uploads = .init(ofAddress: 2, total: 3)
        // On a busy machine a task may wait for long before it begins to wait.
        limits.patience = .seconds(120)
        change(&limits)
        return Admission(limits, metrics: LimitMetrics(factory: registry))
    }

    /// Nil when there was a place.
    private func enter(_ admission: Admission, _ address: String, _ kind: Admission.Kind = .request) async -> Problem? {
        do throws(Problem) {
            try await admission.enter(kind, address)
            return nil
        } catch {
            return error
        }
    }

    @Test("An address has its share, and the others what it leaves")
    func shares() async {
        let admission = admission { $0.patience = .milliseconds(20) }
        #expect(await enter(admission, "a") == nil)
        #expect(await enter(admission, "a") == nil)
        #expect(await enter(admission, "a") == .tooMany("this address has too many requests under way", retryAfter: 1))
        #expect(await enter(admission, "b") == nil)
        #expect(
            await enter(admission, "b") == .unavailable("the server has too many requests under way", retryAfter: 1))
        #expect(await enter(admission, "a", .upload) == nil)
        admission.leave(.request, "a")
        #expect(await enter(admission, "b") == nil)
        let text = registry.exposition()
        #expect(text.contains(#"granary_http_refused_total{reason="address_requests"} 1"#))
        #expect(text.contains(#"granary_http_refused_total{reason="requests"} 1"#))
    }

    @Test("Who waits gets the next place, in the order they came")
    func order() async throws {
        let admission = admission()
        for address in ["a", "b", "c"] { try await admission.enter(.upload, address) }
        let (entered, note) = AsyncStream<String>.makeStream()
        for (number, address) in ["d", "e", "f"].enumerated() {
            Task {
                try await admission.enter(.upload, address)
                note.yield(address)
            }
            try await wait { admission.waiting(for: .upload) == number + 1 }
        }
        var iterator = entered.makeAsyncIterator()
        for expected in ["d", "e", "f"] {
            admission.leave(.upload, ["d": "a", "e": "b", "f": "c"][expected] ?? "")
            #expect(await iterator.next() == expected)
        }
        #expect(admission.uploading == 3)
        for address in ["d", "e", "f"] { admission.leave(.upload, address) }
        #expect(admission.uploading == 0)
    }

    @Test("When too many wait, nobody else does")
    func queue() async throws {
        let admission = admission { $0.waiting = 1 }
        for address in ["a", "b", "c"] { try await admission.enter(.request, address) }
        Task { try await admission.enter(.request, "d") }
        try await wait { admission.waiting(for: .request) == 1 }
        #expect(await enter(admission, "e") != nil)
    }

    @Test("Places that many fight for are neither lost nor given twice")
    func fight() async throws {
        let admission = admission { limits in
            limits.uploads = .init(ofAddress: 100, total: 4)
            limits.patience = .milliseconds(30)
        }
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<300 {
                group.addTask {
                    guard await enter(admission, "\(number % 7)", .upload) == nil else { return }
                    #expect(admission.uploading <= 4)
                    try? await Task.sleep(for: .milliseconds(number % 3))
                    admission.leave(.upload, "\(number % 7)")
                }
            }
        }
        #expect(admission.uploading == 0 && admission.waiting(for: .upload) == 0)
        for _ in 0..<4 { #expect(await enter(admission, "a", .upload) == nil) }
    }

    @Test(
        "What may send a body is known by its head",
        arguments: [
            (.get, [:], 0), (.delete, [:], 0), (.put, [.contentLength: "0"], 0), (.put, [.contentLength: "7"], 7),
            (.put, [.transferEncoding: "chunked"], nil), (.get, [.transferEncoding: "chunked"], nil),
            (.put, [.contentLength: "x"], nil), (.post, [:], nil), (.patch, [:], nil)
        ] as [(HTTPRequest.Method, HTTPFields, Int64?)])
    func bodies(_ method: HTTPRequest.Method, _ headers: HTTPFields, _ bytes: Int64?) {
        let request = IncomingRequest(
            method: method, path: "/", query: "", headers: headers, origin: "", peer: "", body: .none)
        #expect(request.bodyBytes == bytes)
    }

    private func wait(_ condition: () -> Bool) async throws {
        for _ in 0..<12_000 where !condition() { try await Task.sleep(for: .milliseconds(5)) }
        try #require(condition())
    }
}
