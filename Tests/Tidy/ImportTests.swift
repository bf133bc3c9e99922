import Testing

/// Who may import whom. A layer that is not in the table may not exist.
private struct Layer {
    /// Modules of this repository.
    let ours: Set<String>
    /// Everything else.
    let vendors: Set<String>

    init(_ ours: Set<String> = [], _ vendors: Set<String> = []) {
        self.ours = ours
        self.vendors = vendors
    }
}

/// Parts of the standard library that any layer may use.
private let standardLibrary: Set<String> = ["Swift", "Synchronization", "FoundationEssentials"]

private let operatingSystem: Set<String> = ["Darwin", "Glibc", "Musl", "Foundation"]

private let layers: [String: Layer] = [
    "CSystemCalls": Layer(),
    // The declarations of libarchive; no Swift in it.
    "CArchive": Layer(),
    "GranaryArchive": Layer(["CArchive"], ["Darwin", "Glibc", "Musl", "NIOCore"]),
    "GranaryModel": Layer(),
    "GranaryPolicy": Layer(["GranaryModel"]),
    "GranarySecurity": Layer(["GranaryModel"]),
    "GranaryFormat": Layer(["GranaryModel"], ["Crypto", "HTTPTypes", "NIOCore"]),
    "GranaryPorts": Layer(["GranaryModel"], ["HTTPTypes", "NIOCore"]),
    "Formats": Layer(
        ["GranaryModel", "GranaryFormat", "GranaryArchive"],
        ["Crypto", "Foundation", "HTTPTypes", "NIOCore", "Yams"]),
    "GranaryStore": Layer(["GranaryModel", "GranaryPorts"], ["Foundation"]),
    "GranarySQLite": Layer(["GranaryModel", "GranaryPorts"], operatingSystem.union(["GRDB", "GRDBSQLite"])),
    "GranaryBlobsFilesystem": Layer(
        ["GranaryModel", "GranaryPorts", "CSystemCalls"], operatingSystem.union(["Crypto", "NIOCore", "NIOPosix"])),
    "GranaryUpstream": Layer(
        ["GranaryModel", "GranaryPorts"],
        operatingSystem.union(["AsyncHTTPClient", "Foundation", "HTTPTypes", "NIOCore", "NIOHTTP1", "NIOPosix"])),
    "GranaryCore": Layer(
        ["GranaryModel", "GranaryPolicy", "GranarySecurity", "GranaryFormat", "GranaryPorts", "GranaryStore"],
        [
            "Crypto", "CryptoExtras", "Foundation", "HTTPTypes", "JWTKit", "Logging", "Metrics", "NIOCore",
            "ServiceLifecycle"
        ]),
    "GranaryHTTP": Layer(
        ["GranaryModel", "GranaryFormat", "GranaryCore", "CSystemCalls"],
        [
            "Foundation", "HTTPTypes", "Hummingbird", "HummingbirdCore", "HummingbirdHTTP2", "HummingbirdTLS",
            "CoreMetrics", "Logging", "Metrics", "NIOCore", "NIOExtras", "NIOHTTP1", "NIOHTTP2", "NIOHTTPTypes",
            "NIOHTTPTypesHTTP1",
            "NIOHTTPTypesHTTP2", "NIOPosix", "NIOSSL", "ServiceLifecycle"
        ]),
    // A composition root of its own, for tests: it plugs real parts together but knows no format.
    "GranaryTestKit": Layer(
        [
            "GranaryModel", "GranaryFormat", "GranaryPorts", "GranaryStore", "GranarySQLite", "GranaryBlobsFilesystem",
            "GranaryUpstream", "GranaryCore", "GranaryHTTP"
        ],
        [
            "AsyncHTTPClient", "Crypto", "Darwin", "Foundation", "Glibc", "HTTPTypes", "Musl", "Logging", "NIOCore",
            "NIOHTTP1", "NIOPosix", "NIOSSL",
            "ServiceLifecycle", "Testing"
        ]),
    // Measures servers over their sockets, so it may know nothing of what is inside.
    "granary-bench": Layer([], ["ArgumentParser", "CLinux", "Crypto", "Glibc"]),
    // What Swift's module of the C library leaves out; no Swift in it.
    "CLinux": Layer()
]

/// The composition root wires everything, so it may import everything.
private let compositionRoot = "granary"

/// The module an import line names; nil for any other line.
private func importedModule(_ tokens: [String]) -> String? {
    guard let keyword = tokens.prefix(4).firstIndex(of: "import"), tokens.prefix(keyword).allSatisfy(mayPrecedeImport)
    else { return nil }
    let kinds: Set = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"]
    return tokens.dropFirst(keyword + 1).first { !kinds.contains($0) }
}

private func mayPrecedeImport(_ token: String) -> Bool {
    ["public", "package", "internal", "fileprivate", "private", "@", "testable", "preconcurrency"].contains(token)
}

private func breachesOfTable(_ source: SwiftSource, layer name: String) -> [Finding] {
    guard let layer = layers[name] else { return [] }
    let allowed = layer.ours.union(layer.vendors).union(standardLibrary)
    return source.tokensByLine.compactMap { line, tokens in
        guard let module = importedModule(tokens), !allowed.contains(module) else { return nil }
        return Finding(source.path, line, "\(name) must not import \(module)")
    }
}

private func unknownLayers(_ folders: [String]) -> [Finding] {
    folders.filter { layers[$0] == nil && $0 != compositionRoot }.map {
        Finding("Sources/\($0)", 0, "a new layer: say in the table of Tests/Tidy/ImportTests.swift what it may import")
    }
}

@Suite("The import table")
struct ImportTests {
    @Test("Every folder of Sources is in the table")
    func everyLayerIsKnown() {
        expectNone(unknownLayers(SourceTree.repository.folders(in: "Sources")))
    }

    @Test("Every layer imports only what the table allows")
    func importsFollowTheTable() throws {
        for folder in SourceTree.repository.folders(in: "Sources") {
            for source in try SourceTree.repository.swiftFiles(below: "Sources/\(folder)") {
                expectNone(breachesOfTable(source, layer: folder))
            }
        }
    }

    @Test("The table itself keeps the layers apart")
    func tableIsLayered() {
        for (name, layer) in layers where name != "GranarySQLite" { #expect(!layer.vendors.contains("GRDB")) }
        for (name, layer) in layers where name != "GranaryHTTP" { #expect(!layer.vendors.contains("Hummingbird")) }
        #expect(layers["GranaryHTTP"]?.ours.contains("GranaryStore") == false)
        #expect(layers.values.allSatisfy { layer in !layer.ours.contains { $0.hasPrefix("Format") } })
    }

    static let breaches: [(layer: String, text: String)] = [
        ("GranaryModel", "import Foundation"),
        ("GranaryModel", "package import GranaryFormat"),
        ("GranaryCore", "import Hummingbird"),
        ("GranaryCore", "internal import struct GRDB.Row"),
        ("GranaryHTTP", "import GranaryStore"),
        ("Formats", "@preconcurrency import GranaryCore"),
        ("Formats", "#if canImport(FormatOCI)\nimport FormatOCI\n#endif")
    ]

    @Test("A forbidden import is found", arguments: breaches)
    func forbiddenImport(_ breach: (layer: String, text: String)) {
        #expect(breachesOfTable(SwiftSource(path: "a.swift", text: breach.text), layer: breach.layer).count == 1)
    }

    @Test("Allowed imports and mentions of others pass")
    func allowedImport() {
        let text = "// import GRDB\npackage import GranaryModel\nlet text = \"\"\"\n    import GRDB\n    \"\"\""
        #expect(breachesOfTable(SwiftSource(path: "a.swift", text: text), layer: "GranaryFormat") == [])
    }

    @Test("A new folder is found")
    func newFolder() {
        #expect(unknownLayers(["GranaryModel", "granary", "GranaryUtils"]).map(\.path) == ["Sources/GranaryUtils"])
    }
}
