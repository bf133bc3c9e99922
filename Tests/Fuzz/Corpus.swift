import Foundation
import GranaryTestKit
import Testing

/// Something that reads what the network sends, and what must hold of whatever it makes of it.
struct FuzzTarget: Sendable, CustomTestStringConvertible {
    /// A folder of `Corpus`.
    let name: String
    /// Must not trap nor take long, for any bytes. Records an issue when what it made of them cannot be right.
    let read: @Sendable ([UInt8]) throws -> Void

    init(_ name: String, _ read: @escaping @Sendable ([UInt8]) throws -> Void) {
        self.name = name
        self.read = read
    }

    var testDescription: String { name }

    /// The inputs kept for it: right ones, and those that once broke something.
    func corpus() throws -> [[UInt8]] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Corpus/\(name)")
        return try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().map { file in
            [UInt8](try Data(contentsOf: folder.appending(path: file)))
        }
    }

    /// Reads the corpus as it is, and `count` inputs made from it: mutations, and two inputs spliced. Other tests, some of which
    /// wait for servers, have their turn in between.
    func run(_ count: Int, seed: UInt64) async throws {
        let corpus = try corpus()
        try #require(!corpus.isEmpty, "Corpus/\(name) holds nothing")
        for input in corpus { try read(input) }
        var generator = Generator(seed: seed)
        for number in 0..<count {
            if number.isMultiple(of: 20) { await Task.yield() }
            guard let first = corpus.randomElement(using: &generator),
                let second = corpus.randomElement(using: &generator)
            else { continue }
            let head = first.prefix(Int.random(in: 0...first.count, using: &generator))
            let tail = second.suffix(Int.random(in: 0...second.count, using: &generator))
            try read(Bool.random(using: &generator) ? generator.mutation(of: first) : Array(head + tail))
        }
    }
}
