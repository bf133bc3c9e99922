import FoundationEssentials
import GranaryModel

/// The work a server can be asked to do on what it stores.
package enum Upkeep {
    static let sweep = "sweep"
    static let check = "check"
    static let backup = "backup"

    /// Each kind of work by its name; without `makeBackup` there is none of that kind.
    package static func kinds(
        _ services: Services, makeBackup: (@Sendable () throws -> Backup)? = nil
    ) -> [String: JobRunner.Work] {
        var all = kinds(services)
        if let makeBackup {
            all[backup] = { input, tell in
                let input = try JSONDecoder().decode(BackupInput.self, from: Data(input.utf8))
                let began = services.now()
                let report = try await makeBackup().run(keeping: input.keeping) { tell(jsonText($0)) }
                services.upkeep.noteBackup(of: began)
                return jsonText(report)
            }
        }
        return all
    }

    private static func kinds(_ services: Services) -> [String: JobRunner.Work] {
        [
            sweep: { input, tell in
                let input = try JSONDecoder().decode(SweepInput.self, from: Data(input.utf8))
                let sweep = Sweep(services: services, grace: .seconds(input.graceSeconds))
                return jsonText(
                    input.isDryRun ? try await sweep.preview() : try await sweep.run { tell(jsonText($0)) })
            },
            check: { _, tell in jsonText(try await Check(services: services).run { tell(jsonText($0.progress)) }) }
        ]
    }
}
