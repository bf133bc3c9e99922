import FoundationEssentials

/// What a run found, as programs read it: every value of every round.
struct ReportDocument: Encodable {
    struct Item: Encodable {
        let name: String
        let title: String
        let figures: [FigureResult]
    }

    struct FigureResult: Encodable {
        let key: String
        let label: String
        let unit: String
        let servers: [String: Values]
        /// Granary's median divided by each other server's.
        let ratios: [String: Double]
        let targets: [Verdict]
    }

    struct Values: Encodable {
        let rounds: [Double]
        let median: Double?
        let relativeDeviation: Double?
        let relativeRange: Double?
    }

    struct Verdict: Encodable {
        let target: String
        /// Left out when something was not measured.
        let isMet: Bool?
    }

    let configuration: [String]
    let rounds: Int
    let noise: Noise
    let items: [Item]

    init(_ report: Report) {
        configuration = report.configuration
        rounds = report.rounds
        noise = report.noise
        items = report.outcomes.map { outcome in
            Item(
                name: outcome.name, title: outcome.title,
                figures: outcome.figures.map { FigureResult($0, of: outcome) })
        }
    }

    func write(to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let url = URL(filePath: path)
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try encoder.encode(self).write(to: url)
    }
}

extension ReportDocument.FigureResult {
    init(_ figure: Figure, of outcome: Outcome) {
        (key, label, unit) = (figure.key, figure.label.trimmed, figure.unit)
        var servers: [String: ReportDocument.Values] = [:]
        var ratios: [String: Double] = [:]
        for peer in outcome.peers {
            servers[peer.rawValue] = .init(outcome.values(figure.key, peer))
            if peer != .granary { ratios[peer.rawValue] = outcome.ratio(figure.key, to: peer) }
        }
        (self.servers, self.ratios) = (servers, ratios)
        targets = outcome.verdicts(figure).map { .init(target: $0.target.text, isMet: $0.isMet) }
    }
}

extension ReportDocument.Values {
    init(_ values: [Double]) {
        rounds = values
        median = Statistics.median(values)
        relativeDeviation = Statistics.relativeDeviation(values)
        relativeRange = Statistics.relativeRange(values)
    }
}

extension String {
    fileprivate var trimmed: String { String(drop { $0 == " " }) }
}
