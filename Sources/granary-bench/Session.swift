import FoundationEssentials

/// Runs work items: all servers side by side, in rounds, and each round beginning with another server.
struct Session {
    let installation: Installation
    let peers: [PeerKind]
    let rounds: Int
    /// The servers' folders are made in it; it is on the disk that is measured.
    let folder: String
    private var pageCache: PageCache
    private(set) var noise = Noise()

    init(installation: Installation, peers: [PeerKind], rounds: Int, folder: String) {
        self.installation = installation
        self.peers = peers
        self.rounds = rounds
        self.folder = folder
        pageCache = PageCache(in: folder)
    }

    /// Measures one item on fresh servers, which are gone afterwards.
    mutating func run(_ work: any Work) throws -> Outcome {
        Console.progress("\(work.name): \(work.title)")
        let place = "\(folder)/\(work.name)"
        installation.cleanup.add(folder: place)
        let stations = work.peers.filter(peers.contains).map {
            Station($0, in: "\(place)/\($0.rawValue)", installation)
        }
        defer {
            for station in stations { station.stop() }
            installation.cleanup.delete(folder: place)
        }
        for station in stations { try work.prepare(station) }
        var outcome = Outcome(work, of: stations.map(\.kind))
        for round in 0..<min(rounds, work.maximumRounds) {
            for offset in stations.indices {
                let station = stations[(round + offset) % stations.count]
                outcome.add(try measure(work, station, round), of: station.kind)
            }
            Console.progress("  round \(round + 1): \(outcome.lastRound)")
        }
        return outcome
    }

    private mutating func measure(_ work: any Work, _ station: Station, _ round: Int) throws -> Readings {
        Disk.settle()
        pageCache.fill()
        noise.calibrate()
        let before = Noise.Reading(ours: installation.cleanup.cpuSeconds)
        let stopwatch = Stopwatch()
        let readings = try work.measure(station, round: round)
        let seconds = stopwatch.seconds
        noise.note(before: before, after: Noise.Reading(ours: installation.cleanup.cpuSeconds), seconds: seconds)
        return readings
    }
}
