import GranaryModel
import GranaryPorts
import GranaryStore
import Logging
import ServiceLifecycle

/// What the server does by itself every minute: writes down which tokens were used, and forgets abandoned uploads.
package struct Housekeeping: Service {
    package static let interval = Duration.seconds(60)
    /// An upload session that nobody touched for as long is abandoned.
    package static let uploadLifetime = Duration.seconds(24 * 3600)

    private let services: Services
    private let identity: Identity

    package init(services: Services, identity: Identity) {
        self.services = services
        self.identity = identity
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while (try? await Task.sleep(for: Self.interval)) != nil { await tidy() }
        }
        await noteUses()
    }

    private func tidy() async {
        await noteUses()
        let limit = services.now().adding(.zero - Self.uploadLifetime)
        do {
            let count = try await services.blobs.expireUploads(before: limit)
            if count > 0 { services.logger.info("abandoned uploads were removed", metadata: ["count": "\(count)"]) }
        } catch {
            services.logger.error("abandoned uploads could not be removed", metadata: ["error": "\(error)"])
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
