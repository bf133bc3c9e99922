/// What a run found, as people read it.
struct Report {
    let configuration: [String]
    let rounds: Int
    let noise: Noise
    let outcomes: [Outcome]

    func print(to write: (String) -> Void) {
        for line in configuration { write(line) }
        for outcome in outcomes {
            write("")
            write("\(outcome.title)  [\(outcome.name)]")
            let table = [Self.header(outcome.peers)] + outcome.figures.flatMap { rows($0, of: outcome) }
            Table(rows: table, unitColumn: 1 + outcome.peers.count).lines.forEach(write)
        }
        write("")
        noiseLines.forEach(write)
        write(summary)
    }

    private static func header(_ peers: [PeerKind]) -> [String] {
        let ratios = peers.filter { $0 != .granary }.map { "÷ \($0.rawValue)" }
        return [""] + peers.map(\.rawValue) + [""] + ratios + ["spread", "target", ""]
    }

    /// One row, and one more for each further target.
    private func rows(_ figure: Figure, of outcome: Outcome) -> [[String]] {
        let values = outcome.peers.map { peer in
            outcome.median(figure.key, peer).map(Numbers.significant) ?? "–"
        }
        let ratios = outcome.peers.filter { $0 != .granary }.map { peer in
            outcome.ratio(figure.key, to: peer).map(Numbers.significant) ?? "–"
        }
        let spread = outcome.spread(figure.key).map { "± " + Numbers.percent($0) } ?? ""
        let verdicts = outcome.verdicts(figure).map { [$0.target.text, Self.word($0.isMet)] }
        let first = [figure.label] + values + [figure.unit] + ratios + [spread] + (verdicts.first ?? ["", ""])
        return [first] + verdicts.dropFirst().map { Array(repeating: "", count: first.count - 2) + $0 }
    }

    static func word(_ isMet: Bool?) -> String { isMet.map { $0 ? "pass" : "FAIL" } ?? "open" }

    private var noiseLines: [String] {
        let range = Statistics.relativeRange(noise.calibration) ?? 0
        let deviation = Statistics.relativeDeviation(noise.calibration) ?? 0
        let median = Statistics.median(noise.calibration) ?? 0
        let seconds = Numbers.significant(noise.measuredSeconds)
        let steal = Numbers.percent(noise.stealShare)
        let others = Numbers.percent(noise.othersShare)
        let client = Numbers.percent(noise.clientShare)
        return [
            """
            The machine: a fixed loop took \(Numbers.significant(median * 1000)) ms before each measurement, \
            ± \(Numbers.percent(deviation)), from slowest to fastest \(Numbers.percent(range)); in the \(seconds) s \
            that were measured its host took \(steal) of all processors away, processes that are not part of this run \
            used \(others), and the client \(client).
            """
        ]
    }

    private var summary: String {
        let words = outcomes.flatMap { outcome in
            outcome.figures.flatMap { outcome.verdicts($0).map { Self.word($0.isMet) } }
        }
        let counts = ["pass", "FAIL", "open"].map { word in "\(words.count { $0 == word }) \(word)" }
        return """
            Medians of \(rounds) rounds, servers in turn. The ratios are Granary's figure divided by the other's; the \
            spread is the median deviation from the median, of the server where it is largest. Targets: \
            \(counts.joined(separator: ", ")).
            """
    }
}

/// Columns as wide as their widest cell: the first, the unit and the last two to the left, numbers to the right.
struct Table {
    let rows: [[String]]
    let unitColumn: Int

    var lines: [String] {
        let count = rows.map(\.count).max() ?? 0
        let widths = (0..<count).map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                let padding = String(repeating: " ", count: widths[column] - cell.count)
                let isText = column == 0 || column == unitColumn || column >= count - 2
                line += (column > 0 ? "  " : "") + (isText ? cell + padding : padding + cell)
            }
            while line.last == " " { line.removeLast() }
            return line
        }
    }
}
