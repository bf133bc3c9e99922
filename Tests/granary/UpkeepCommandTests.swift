import Foundation
import GranaryTestKit
import Testing

extension Workplace {
    /// Uploads a text as a file of the repository `files`.
    fileprivate func put(_ text: String, at path: String, to server: RunningServer) async throws {
        let response = try await send("PUT", path, Data(text.utf8), to: server)
        #expect(response == 201)
    }

    fileprivate func send(
        _ method: String, _ path: String, _ body: Data = Data(), to server: RunningServer
    ) async throws -> Int {
        try await TestServer.send(
            method, url: "\(server.address)/generic/files/\(path)", body: [UInt8](body),
            authorization: TestServer.basic("admin", "a password for tests")
        ).status
    }

    /// The files that hold blobs.
    fileprivate func blobs(in folder: String) -> [String] {
        let names = FileManager.default.enumerator(atPath: "\(folder)/blobs/sha256")?.allObjects as? [String] ?? []
        return names.filter { $0.count > 64 }.map { "\(folder)/blobs/sha256/\($0)" }
    }
}

@Suite("Command line: upkeep of what is stored", .serialized)
struct UpkeepCommandTests {
    @Test("Garbage is collected while the server runs; a dry run only tells")
    func collectGarbage() async throws {
        try await Workplace.loggedIn { workplace, server in
            try await workplace.put("kept", at: "a/kept", to: server)
            try await workplace.put("gone", at: "a/gone", to: server)
            #expect(try await workplace.send("DELETE", "a/gone", to: server) == 204)
            let dry = try await workplace.run("gc", "--dry-run", "--grace", "0s")
            #expect(dry.status == 0 && dry.stdout.contains("would be removed"), "\(dry)")
            #expect(workplace.blobs(in: workplace.data).count == 2)
            #expect(try await workplace.run("gc").status == 0)
            #expect(workplace.blobs(in: workplace.data).count == 2)
            let run = try await workplace.run("gc", "--grace", "0s", "--json")
            #expect(run.stdout.contains(#""removedBlobs" : 1"#), "\(run)")
            #expect(workplace.blobs(in: workplace.data).count == 1)
            #expect(try await workplace.run("gc", "--grace", "soon").isComplaint(64, "30m"))
            let list = try await workplace.run("job")
            #expect(list.stdout.split(separator: "\n").count == 4, "\(list)")
            #expect(try await workplace.run("job", "show", "99").isComplaint(3, "no job 99"))
        }
    }

    @Test(
        "The check names what is damaged, of a server that runs and of one that is stopped, and a new upload heals it")
    func check() async throws {
        try await Workplace.loggedIn { workplace, server in
            try await workplace.put("precious", at: "a/b", to: server)
            #expect(try await workplace.run("check").stdout.contains("1 blobs (8 bytes) checked, 0 problems"))
            #expect(try await workplace.run("check", "--data", workplace.data).isComplaint(1, "another granary runs"))
            let blob = try #require(workplace.blobs(in: workplace.data).first)
            try Data("damaged!".utf8).write(to: URL(filePath: blob))
            let check = try await workplace.run("check")
            #expect(check.status == 1 && check.stdout.contains("affects files/a: b"), "\(check)")
            #expect(try await workplace.send("GET", "a/b", to: server) == 404)
            _ = try await server.stop()
            let offline = try await workplace.run("check", "--data", workplace.data)
            #expect(offline.status == 1 && offline.stdout.contains("missing"), "\(offline)")
            let again = try await workplace.serve()
            defer { again.program.terminate() }
            #expect([200, 201].contains(try await workplace.send("PUT", "a/b", Data("precious".utf8), to: again)))
            #expect(try await workplace.send("GET", "a/b", to: again) == 200)
            #expect(try await workplace.run("check", "--server", again.address).status != 1)
            #expect(try await workplace.run("check", "--data", "/nowhere").isComplaint(64, "no data directory"))
        }
    }

    @Test("A backup is made while the server runs, and what is restored from it serves")
    func backup() async throws {
        try await Workplace.loggedIn { workplace, server in
            let folder = "\(workplace.path)/backup"
            try await workplace.put("first", at: "a/first", to: server)
            let first = try await workplace.run("backup", folder, "--data", workplace.data)
            #expect(first.status == 0 && first.stdout.contains("1 of them copied"), "\(first)")
            try await workplace.put("second", at: "a/second", to: server)
            let second = try await workplace.run("backup", folder, "--data", workplace.data, "--keep", "5")
            #expect(second.stdout.contains("2 blobs") && second.stdout.contains("1 of them copied"), "\(second)")
            #expect(try await workplace.run("backup").isComplaint(5, "backup.path"))
            let list = try await workplace.run("restore", folder, "--list")
            #expect(list.stdout.split(separator: "\n").count == 3, "\(list)")
            #expect(
                try await workplace.run("restore", folder, "--data", workplace.data).isComplaint(1, "another granary"))

            let restored = "\(workplace.path)/restored"
            let restore = try await workplace.run("restore", folder, "--data", restored)
            #expect(restore.status == 0 && restore.stdout.contains("0 problems"), "\(restore)")
            #expect(
                try await workplace.run("restore", folder, "--data", restored).isComplaint(
                    1, "holds a database already"))
            #expect(try await workplace.run("restore", "/nowhere", "--list").isComplaint(64, "no folder of backups"))
            let again = try await workplace.serve("--data", restored)
            defer { again.program.terminate() }
            #expect(try await workplace.send("GET", "a/second", to: again) == 200)
        }
    }

    @Test("A server that has a folder for backups makes them when it is asked")
    func askedBackup() async throws {
        try await Workplace.fresh { workplace in
            let folder = "\(workplace.path)/backup"
            let place = workplace.with([
                "GRANARY_ADMIN_PASSWORD": "a password for tests", "GRANARY_BACKUP_PATH": folder
            ])
            let server = try await place.serve()
            defer { server.program.terminate() }
            _ = try await place.run(
                "login", server.address, "--user", "admin", "--password-stdin", input: "a password for tests\n")
            try await place.put("x", at: "a/x", to: server)
            let backup = try await place.run("backup", "--keep", "2")
            #expect(backup.status == 0 && backup.stdout.contains("1 blobs"), "\(backup)")
            #expect(try await place.run("restore", folder, "--data", "\(place.path)/restored").status == 0)
        }
    }
}
