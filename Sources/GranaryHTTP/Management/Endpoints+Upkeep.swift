import GranaryCore
import GranaryFormat
import GranaryModel
import HTTPTypes

extension ManagementInterface {
    static let upkeep: [Endpoint] = [
        Endpoint(
            method: .post, path: "/sweeps", name: "startSweep",
            summary: "Gives back the space of bytes that nothing needs", body: "SweepRequest", status: .accepted,
            answer: .named("Job")
        ) { call throws(Problem) in
            let request = try await call.body(Wire.SweepRequest.self)
            return JSONAnswer(
                Wire.Job(
                    try await call.management.sweep(
                        graceSeconds: request.graceSeconds, isDryRun: request.dryRun ?? false, by: call.caller)))
        },
        Endpoint(
            method: .post, path: "/checks", name: "startCheck",
            summary: "Compares all stored bytes with their names and with the rows", status: .accepted,
            answer: .named("Job")
        ) { call throws(Problem) in
            JSONAnswer(Wire.Job(try await call.management.check(by: call.caller)))
        },
        Endpoint(
            method: .post, path: "/backups", name: "startBackup",
            summary: "Copies the data directory into the folder of the server's setting backup.path",
            body: "BackupRequest", status: .accepted, answer: .named("Job")
        ) { call throws(Problem) in
            let request = try await call.body(Wire.BackupRequest.self)
            return JSONAnswer(Wire.Job(try await call.management.backUp(keeping: request.keep, by: call.caller)))
        },
        Endpoint(
            method: .get, path: "/jobs", name: "listJobs", summary: "Long work, newest first",
            query: [
                .init(name: "before", schema: .position("The number to come before")),
                .init(name: "limit", schema: .integer("How many at most", minimum: 1, maximum: 1000))
            ],
            answer: .array(.named("Job"))
        ) { call throws(Problem) in
            let before = try call.number("before", in: 0...Int64.max, standard: .max)
            let limit = try call.number("limit", in: 1...1000, standard: 100)
            return JSONAnswer(
                try await call.management.jobs(before: before, limit: Int(limit), for: call.caller).map(Wire.Job.init))
        },
        Endpoint(
            method: .get, path: "/jobs/{id}", name: "getJob",
            summary: "Long work, and how far it is or what came of it",
            answer: .named("Job")
        ) { call throws(Problem) in
            guard let id = Int64(call["id"]) else { throw .unknown(.name, "a job's identifier is a number") }
            return JSONAnswer(Wire.Job(try await call.management.job(id, for: call.caller)))
        }
    ]
}
