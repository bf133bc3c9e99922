import GranaryTestKit
import Testing

/// What an upload session must do, in a few lines.
private struct SessionModel {
    let path: String
    var bytes: [UInt8] = []
    var isOpen = true

    /// `0-0` for both none and one: inclusive ranges cannot tell them apart.
    var range: String { "0-\(max(bytes.count - 1, 0))" }
}

/// A step of a client, right or wrong.
private enum UploadOperation: CaseIterable {
    case open, append, appendAtEnd, appendElsewhere, appendOfWrongLength, status, cancel, close, closeWithRest
    case closeElsewhere, closeWrongly
}

/// Plays random steps against a server and the model side by side.
private struct UploadPlay {
    let image: OCIImage
    var generator: Generator
    var sessions: [SessionModel] = []

    mutating func step() async throws {
        let operation = sessions.isEmpty ? .open : UploadOperation.allCases.randomElement(using: &generator) ?? .open
        guard operation != .open else {
            sessions.append(SessionModel(path: try await image.openUpload()))
            return
        }
        let index = sessions.indices.randomElement(using: &generator) ?? 0
        var session = sessions[index]
        let body = generator.bytes(lengths: 0...Int.random(in: 1...5000, using: &generator))
        let answer = try await perform(operation, &session, body)
        let wasOpen = sessions[index].isOpen
        guard wasOpen else {
            // What contradicts itself is refused before anybody looks for the session.
            let isMalformed = operation == .appendOfWrongLength
            #expect(answer.refusal == (isMalformed ? "400 SIZE_INVALID" : "404 BLOB_UPLOAD_UNKNOWN"), "\(operation)")
            return
        }
        sessions[index] = session
        if [202, 204, 416].contains(answer.status), operation != .cancel {
            #expect(answer["Range"] == session.range && answer["Location"] == session.path, "\(operation)")
        }
        let status = try await image.follow("GET", session.path)
        #expect(status.status == (session.isOpen ? 204 : 404), "\(operation)")
        if session.isOpen { #expect(status["Range"] == session.range, "\(operation)") }
    }

    /// Sends one request and brings the model up to date; what the status must be is checked here.
    private mutating func perform(
        _ operation: UploadOperation, _ session: inout SessionModel, _ body: [UInt8]
    ) async throws -> TestAnswer {
        switch operation {
        case .open, .status: return try await send("GET", session, expecting: 204)
        case .cancel:
            let answer = try await send("DELETE", session, expecting: 204)
            session.isOpen = false
            return answer
        case .append, .appendAtEnd, .appendElsewhere, .appendOfWrongLength:
            return try await append(operation, &session, body)
        case .close, .closeWithRest, .closeElsewhere, .closeWrongly:
            return try await close(operation, &session, body)
        }
    }

    private mutating func append(
        _ operation: UploadOperation, _ session: inout SessionModel, _ body: [UInt8]
    ) async throws -> TestAnswer {
        // A range has at least one byte.
        let body = operation == .append || !body.isEmpty ? body : [0]
        switch operation {
        case .appendElsewhere:
            var start = Int.random(in: 0...(session.bytes.count + 2), using: &generator)
            if start == session.bytes.count { start += 1 }
            return try await send("PATCH", session, range(start, body.count), body, expecting: 416)
        case .appendOfWrongLength:
            return try await send(
                "PATCH", session, range(session.bytes.count, body.count + 1), body, expecting: 400)
        default:
            let headers = operation == .append ? [:] : range(session.bytes.count, body.count)
            let answer = try await send("PATCH", session, headers, body, expecting: 202)
            session.bytes += body
            return answer
        }
    }

    private mutating func close(
        _ operation: UploadOperation, _ session: inout SessionModel, _ body: [UInt8]
    ) async throws -> TestAnswer {
        let rest = operation == .close ? [] : body.isEmpty ? [1] : body
        let content = session.bytes + rest
        let digest = operation == .closeWrongly ? sha256(content + [1]) : sha256(content)
        let query = "?digest=\(digest)"
        if operation == .closeElsewhere {
            let headers = range(content.count + 1, rest.count)
            return try await send("PUT", session, query, headers, rest, expecting: 416)
        }
        let isWrong = operation == .closeWrongly
        let answer = try await send("PUT", session, query, [:], rest, expecting: isWrong ? 400 : 201)
        let wasOpen = session.isOpen
        session.isOpen = false
        if wasOpen, !isWrong {
            #expect(try await image.send("GET", "blobs/\(digest)").body == content)
        } else if isWrong {
            #expect(try await image.send("HEAD", "blobs/\(digest)").status == 404)
        }
        return answer
    }

    private mutating func range(_ start: Int, _ count: Int) -> [String: String] {
        let text = "\(start)-\(start + count - 1)"
        return ["Content-Range": Bool.random(using: &generator) ? text : "bytes \(text)/*"]
    }

    private func send(
        _ method: String, _ session: SessionModel, _ query: String = "", _ headers: [String: String] = [:],
        _ body: [UInt8]? = nil, expecting status: Int
    ) async throws -> TestAnswer {
        let answer = try await image.follow(method, session.path + query, headers, body: body)
        if session.isOpen { #expect(answer.status == status, "\(method) \(headers) \(answer.text)") }
        return answer
    }

    private func send(
        _ method: String, _ session: SessionModel, _ headers: [String: String], _ body: [UInt8],
        expecting status: Int
    ) async throws -> TestAnswer {
        try await send(method, session, "", headers, body, expecting: status)
    }
}

@Suite(.serialized) struct OCIUploadPropertyTests {
    @Test func `Whatever clients do with sessions, server and model agree`() async throws {
        try await withOCI { server in
            for seed in 1...4 {
                var play = UploadPlay(
                    image: server.image("docker/app\(seed)"), generator: Generator(seed: UInt64(seed)))
                for _ in 0..<100 { try await play.step() }
            }
        }
    }

    @Test func `Sessions that are read by a new process agree with the model too`() async throws {
        let folder = try TemporaryDirectory()
        defer { folder.remove() }
        var sessions: [SessionModel] = []
        for seed in 10...12 {
            sessions = try await runOCI(in: folder) { [sessions] server in
                var play = UploadPlay(
                    image: server.image(), generator: Generator(seed: UInt64(seed)), sessions: sessions)
                for _ in 0..<40 { try await play.step() }
                return play.sessions
            }
        }
    }
}
