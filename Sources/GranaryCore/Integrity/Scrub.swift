import GranaryModel
import GranaryPorts
import GranaryStore
import Logging
import ServiceLifecycle

/// Reads every blob again and again, slowly, so that damage is found before somebody needs the bytes.
package struct Scrub: Service {
    /// Going round all blobs takes at least as long, however few they are.
    package static let shortestRound = Duration.seconds(24 * 3600)
    /// After a failure it rests as long.
    package static let rest = Duration.seconds(600)
    private static let page = 100

    private let services: Services
    private let bytesPerSecond: Int
    private let rest: Duration

    /// Reads `bytesPerSecond` at most.
    package init(services: Services, bytesPerSecond: Int, rest: Duration = Self.rest) {
        self.services = services
        self.bytesPerSecond = bytesPerSecond
        self.rest = rest
    }

    /// Goes on where the process before this one stopped. It ends only when it is told to: a service that ends by itself takes
    /// the server with it.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                let began = ContinuousClock.now
                do {
                    try await round()
                    try await Task.sleep(until: began + Self.shortestRound)
                } catch  where Task.isCancelled || error is CancellationError {
                    return
                } catch {
                    services.logger.error("the scrub was interrupted", metadata: ["error": "\(error)"])
                    try? await Task.sleep(for: rest)
                }
            }
        }
    }

    /// Looks at every blob from where it stands to the last, and starts over.
    package func round() async throws {
        let inspection = BlobInspection(services: services) { [bytesPerSecond] bytes in
            try await Task.sleep(for: .seconds(1) * bytes / bytesPerSecond)
        }
        var cursor = try await services.driver.read { try ScrubRows($0).position() }
        while true {
            let page = try await services.blobs.list(after: cursor, limit: Self.page)
            for blob in page {
                if case .damaged = try await inspection.verdict(on: blob.digest),
                    try await inspection.condemn(blob.digest) != nil
                {
                    services.upkeep.scrub.noteDamaged()
                }
                services.upkeep.scrub.noteVerified(bytes: blob.size)
            }
            let last = page.last?.digest
            try await services.driver.write { try ScrubRows($0).setPosition(last) }
            guard let last else { return }
            cursor = last
        }
    }
}
