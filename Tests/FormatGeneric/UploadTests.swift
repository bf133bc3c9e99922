import GranaryFormat
import GranaryModel
import GranaryTestKit
import HTTPTypes
import Testing

@testable import FormatGeneric

@Suite struct UploadTests {
    static let id = String(repeating: "0a", count: 16)
    static let version = ("Tus-Resumable", "1.0.0")
    static let part = ("Content-Type", "application/offset+octet-stream")

    /// `filename a.bin, path d/b.bin`
    static let named = ("Upload-Metadata", "filename YS5iaW4=,path ZC9iLmJpbg==")

    private func creation(_ path: String, _ fields: [(String, String)]) throws -> (
        FileAddress, UploadNote, ByteCount, Bool
    ) {
        let operation = try Generic().parse(head(.post, path, [Self.version, ("Upload-Length", "3")] + fields))
        guard case .upload(.create(let address, let note, let length, let hasContent)) = operation.call else {
            throw Problem.invalid(.upload, "not a creation")
        }
        #expect(operation.requirement == .rights(.write, address.package))
        return (address, note, length, hasContent)
    }

    @Test("An upload is for the path it is posted to, or for what its metadata names below a directory")
    func target() throws {
        #expect(try creation("x/y.bin", [Self.named]).0 == FileAddress(["x", "y.bin"]))
        #expect(try creation("x/", [Self.named]).0 == FileAddress(["x", "d", "b.bin"]))
        #expect(try creation("", [("Upload-Metadata", "filename YS5iaW4=")]).0 == FileAddress(["a.bin"]))
        #expect(try creation("x/", [("Upload-Metadata", "filename MTAwJSA7")]).0 == FileAddress(["x", "100% ;"]))
    }

    @Test("A session remembers what the file is to be")
    func note() throws {
        let sha256 = String(repeating: "a", count: 64)
        // filetype model/stl, sha256 64 × "a"
        let metadata = "filetype bW9kZWwvc3Rs,sha256 " + String(repeating: "YWFh", count: 21) + "YQ=="
        let fields = [("Upload-Metadata", metadata), ("If-None-Match", "*"), Self.part]
        let (_, note, length, hasContent) = try creation("x/y;k=v", fields)
        let properties = [["k", "v"]]
        #expect(
            note
                == UploadNote(
                    path: ["x", "y"], type: "model/stl", sha256: sha256, properties: properties, ifNoneMatch: "*",
                    metadata: metadata))
        #expect(try note.conditions.tags == .absent)
        #expect(length == ByteCount(3))
        #expect(hasContent)
    }

    struct Session: Sendable {
        let method: HTTPRequest.Method
        var fields: [(String, String)] = []
        let name: String
    }

    static let sessions: [Session] = [
        Session(method: .head, name: "upload.status"),
        Session(method: .delete, name: "upload.cancel"),
        Session(method: .patch, fields: [part, ("Upload-Offset", "0")], name: "upload.append"),
        Session(method: .post, fields: [("X-HTTP-Method-Override", "DELETE")], name: "upload.cancel"),
        Session(
            method: .post, fields: [("X-HTTP-Method-Override", "PATCH"), part, ("Upload-Offset", "0")],
            name: "upload.append")
    ]

    @Test("A session's verbs may come in disguise", arguments: sessions)
    func session(_ session: Session) throws {
        let operation = try Generic().parse(
            head(session.method, ".uploads/" + Self.id, [Self.version] + session.fields))
        #expect(operation.name == session.name)
        #expect(operation.requirement == .rights(.write, nil))
    }

    struct Refusal: Sendable {
        let method: HTTPRequest.Method
        var path = ".uploads/" + UploadTests.id
        var fields = [UploadTests.version]
        let status: Int
    }

    static let refusals: [Refusal] = [
        Refusal(method: .head, fields: [], status: 412),
        Refusal(method: .head, fields: [("Tus-Resumable", "0.2.2")], status: 412),
        Refusal(method: .get, status: 405),
        Refusal(method: .post, status: 405),
        Refusal(method: .put, status: 400),
        Refusal(method: .head, path: ".uploads/x", status: 404),
        Refusal(method: .head, path: ".uploads/\(id)/x", status: 404),
        Refusal(method: .head, path: ".uploads/\(id.uppercased())", status: 404),
        Refusal(method: .patch, fields: [version, part], status: 400),
        Refusal(method: .patch, fields: [version, part, ("Upload-Offset", "-1")], status: 400),
        Refusal(
            method: .patch, fields: [version, part, ("Upload-Offset", "0"), ("Upload-Checksum", "sha1 AA==")],
            status: 400),
        Refusal(method: .post, path: "a", fields: [("Upload-Length", "1")], status: 412),
        Refusal(method: .post, path: "a", fields: [version], status: 400),
        Refusal(method: .post, path: "a", fields: [version, ("Upload-Defer-Length", "1")], status: 400),
        Refusal(method: .post, path: "a", fields: [version, ("Upload-Length", "x")], status: 400),
        Refusal(method: .post, path: "a", fields: [version, ("Upload-Length", "107374182401")], status: 413),
        Refusal(method: .post, path: "a/", fields: [version, ("Upload-Length", "1")], status: 400),
        Refusal(
            method: .post, path: "a", fields: [version, ("Upload-Length", "1"), ("Upload-Metadata", "k !")], status: 400
        ),
        Refusal(
            method: .post, path: "a", fields: [version, ("Upload-Length", "1"), ("Upload-Metadata", "k YQ==,k YQ==")],
            status: 400),
        // path ../b
        Refusal(
            method: .post, path: "a/", fields: [version, ("Upload-Length", "1"), ("Upload-Metadata", "path Li4vYg==")],
            status: 400),
        // sha256 abc
        Refusal(
            method: .post, path: "a", fields: [version, ("Upload-Length", "1"), ("Upload-Metadata", "sha256 YWJj")],
            status: 400),
        Refusal(
            method: .post,
            path: "a;k=" + String(repeating: "v", count: 2400) + ";l=" + String(repeating: "v", count: 2400)
                + ";m=" + String(repeating: "v", count: 2400) + ";n=" + String(repeating: "v", count: 2400),
            fields: [version, ("Upload-Length", "1")], status: 400)
    ]

    @Test("What a session cannot mean is refused", arguments: refusals)
    func refuses(_ refused: Refusal) {
        #expect(refusal(of: head(refused.method, refused.path, refused.fields)) == refused.status)
    }

    @Test("A part of another type is refused once the caller is known")
    func wrongType() throws {
        let operation = try Generic().parse(head(.patch, ".uploads/" + Self.id, [Self.version, ("Upload-Offset", "0")]))
        guard case .refuseMedia = operation.call else {
            Issue.record("taken")
            return
        }
    }

    @Test("Refusals of resumable uploads name the version spoken")
    func versionAnnounced() throws {
        let request = head(.head, ".uploads/" + Self.id)
        let reply = Generic().reply(to: try #require(problem(of: request)), for: request, nil)
        #expect(reply.status == .preconditionFailed)
        #expect(reply.headers[named: "Tus-Version"] == "1.0.0")
        #expect(reply.headers[named: "Tus-Resumable"] == "1.0.0")
    }

    @Test("Options tell how to resume")
    func options() throws {
        let reply = Generic(maximumFile: ByteCount(7)).optionsReply(to: head(.options, "a"))
        #expect(reply.status == .noContent)
        #expect(reply.headers[.allow] == "OPTIONS, GET, HEAD, PUT, DELETE, POST")
        #expect(reply.headers[named: "Tus-Extension"] == "creation,creation-with-upload,expiration,termination")
        #expect(reply.headers[named: "Tus-Max-Size"] == "7")
        #expect(
            Generic().optionsReply(to: head(.options, ".uploads/x")).headers[.allow]
                == "OPTIONS, HEAD, PATCH, DELETE, POST"
        )
    }

    @Test("No metadata leads out of its directory")
    func neverCrashes() throws {
        var generator = Generator(seed: 0x7075)
        for _ in 0..<3000 {
            let text = String(decoding: generator.mutation(of: Array(Self.named.1.utf8)), as: UTF8.self)
            guard let (address, note, _, _) = try? creation("x/", [("Upload-Metadata", text)]) else { continue }
            #expect(address.segments.first == "x" && !address.segments.contains(".."))
            #expect(note.path == address.segments)
        }
    }
}
