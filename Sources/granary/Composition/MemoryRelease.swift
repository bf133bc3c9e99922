import CSystemCalls
import ServiceLifecycle

/// Gives memory that uploads and indexes needed for a moment back to the system, every minute.
struct MemoryRelease: Service {
    static let interval = Duration.seconds(60)

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while (try? await Task.sleep(for: Self.interval)) != nil { granary_release_memory() }
        }
    }
}
