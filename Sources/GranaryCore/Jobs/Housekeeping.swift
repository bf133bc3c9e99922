import GranaryFormat
package import GranaryModel
import GranaryPorts
import GranaryStore
import Logging
import ServiceLifecycle

/// What the server does by itself every minute: writes down which tokens were used, forgets abandoned uploads, keeps
/// caches to their size, looks for backups that others have made, and now and then asks for a sweep.
package struct Housekeeping: Service {
    package static let interval = Duration.seconds(60)
    /// An upload session that nobody touched for as long is abandoned.
    package static let uploadLifetime = Duration.seconds(24 * 3600)

    private let services: Services
    private let identity: Identity
    private let jobs: JobRunner
    private let sweepInterval: Duration?
    private let sweepGrace: Duration
    private let newestBackup: (@Sendable () throws -> Timestamp?)?

    /// Without an interval it never asks for a sweep. `newestBackup` tells of which moment the newest finished backup is.
    package init(
        services: Services, identity: Identity, jobs: JobRunner, sweepInterval: Duration?, sweepGrace: Duration,
        newestBackup: (@Sendable () throws -> Timestamp?)? = nil
    ) {
        self.services = services
        self.identity = identity
        self.jobs = jobs
        self.sweepInterval = sweepInterval
        self.sweepGrace = sweepGrace
        self.newestBackup = newestBackup
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            var swept = services.now()
            noteBackup()
            while (try? await Task.sleep(for: Self.interval)) != nil {
                await tidy()
                noteBackup()
                guard let sweepInterval, swept.adding(sweepInterval) <= services.now() else { continue }
                swept = services.now()
                await askForSweep()
            }
        }
        await noteUses()
        await services.noteCacheUses()
    }

    private func tidy() async {
        await noteUses()
        await services.tidyCaches()
        let limit = services.now().adding(.zero - Self.uploadLifetime)
        do {
            let count = try await services.expireUploads(before: limit)
            if count > 0 { services.logger.info("abandoned uploads were removed", metadata: ["count": "\(count)"]) }
        } catch {
            services.logger.error("abandoned uploads could not be removed", metadata: ["error": "\(error)"])
        }
    }

    private func noteBackup() {
        do {
            if let moment = try newestBackup?() { services.upkeep.noteBackup(of: moment) }
        } catch {
            services.logger.error("the folder of backups could not be read", metadata: ["error": "\(error)"])
        }
    }

    private func askForSweep() async {
        do throws(Problem) {
            let input = SweepInput(graceSeconds: sweepGrace.components.seconds, isDryRun: false)
            _ = try await jobs.submit(Upkeep.sweep, input: input, by: Event.system)
        } catch .conflict {
            // Somebody else has asked for one.
        } catch {
            services.logger.error("a sweep could not be asked for", metadata: ["error": "\(error)"])
        }
    }

    private func noteUses() async {
        let uses = identity.authenticator.takeUses()
        guard !uses.isEmpty else { return }
        do {
            try await services.driver.write { try AccountRows($0).noteUse(uses) }
        } catch {
            services.logger.error("uses of tokens could not be written", metadata: ["error": "\(error)"])
        }
    }
}
