// swift-tools-version: 6.2
import PackageDescription

// A new format is one string here, one folder in Sources/Formats, one line in Sources/granary and one test folder.
let formats = ["OCI", "Generic", "NPM", "Maven", "PyPI", "Helm"]

let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error)
]

extension Target.Dependency {
    static let crypto = product(name: "Crypto", package: "swift-crypto")
    static let cryptoExtras = product(name: "CryptoExtras", package: "swift-crypto")
    static let httpTypes = product(name: "HTTPTypes", package: "swift-http-types")
    static let logging = product(name: "Logging", package: "swift-log")
    static let coreMetrics = product(name: "CoreMetrics", package: "swift-metrics")
    static let metrics = product(name: "Metrics", package: "swift-metrics")
    static let configuration = product(name: "Configuration", package: "swift-configuration")
    static let lifecycle = product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
    static let nioCore = product(name: "NIOCore", package: "swift-nio")
    static let nioPosix = product(name: "NIOPosix", package: "swift-nio")
    static let nioHTTP1 = product(name: "NIOHTTP1", package: "swift-nio")
    static let nioSSL = product(name: "NIOSSL", package: "swift-nio-ssl")
    static let nioHTTPTypes = product(name: "NIOHTTPTypes", package: "swift-nio-extras")
    static let nioHTTPTypesHTTP1 = product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras")
    static let hummingbirdCore = product(name: "HummingbirdCore", package: "hummingbird")
    static let hummingbirdHTTP2 = product(name: "HummingbirdHTTP2", package: "hummingbird")
    static let grdb = product(name: "GRDB", package: "GRDB.swift")
    static let sqlite = product(name: "GRDBSQLite", package: "GRDB.swift")
    static let jwt = product(name: "JWTKit", package: "jwt-kit")
    static let asyncHTTPClient = product(name: "AsyncHTTPClient", package: "async-http-client")
    static let argumentParser = product(name: "ArgumentParser", package: "swift-argument-parser")
    static let systemPackage = product(name: "SystemPackage", package: "swift-system")
    static let yams = product(name: "Yams", package: "Yams")
    static let unixSignals = product(name: "UnixSignals", package: "swift-service-lifecycle")
}

func module(_ name: String, path: String? = nil, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, path: path ?? "Sources/\(name)", swiftSettings: strict)
}

func tests(
    _ name: String, path: String? = nil, exclude: [String] = [], _ dependencies: [Target.Dependency]
) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: dependencies, path: path ?? "Tests/\(name)",
        exclude: exclude, swiftSettings: strict)
}

// What a format needs to read its documents, beside what all of them have.
let parsers: [String: [Target.Dependency]] = ["Helm": [.yams]]

let formatModules = formats.map { name in
    module(
        "Format\(name)", path: "Sources/Formats/\(name)",
        ["GranaryModel", "GranaryFormat", "GranaryArchive", .crypto, .httpTypes, .nioCore] + parsers[name, default: []])
}

let formatTests = formats.map { name in
    tests(
        "Format\(name)",
        [
            .byName(name: "Format\(name)"), "GranaryModel", "GranaryFormat", "GranaryTestKit", .crypto, .httpTypes,
            .nioCore
        ])
}

// Measures servers from outside, and shares no code with them. It needs epoll and /proc.
#if os(Linux)
    let benchmark: [Target] = [
        .target(name: "CLinux", path: "Sources/CLinux"),
        .executableTarget(
            name: "granary-bench", dependencies: ["CLinux", .argumentParser, .crypto], path: "Sources/granary-bench",
            swiftSettings: strict),
        tests("granary-bench", ["granary-bench"])
    ]
#else
    let benchmark: [Target] = []
#endif

let package = Package(
    name: "granary",
    platforms: [.macOS(.v15)],
    products: [.executable(name: "granary", targets: ["granary"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-configuration.git", from: "1.4.0", traits: [.defaults, "YAML"]),
        .package(url: "https://github.com/apple/swift-crypto.git", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types.git", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics.git", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras.git", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-system.git", from: "1.8.1"),
        .package(url: "https://github.com/groue/GRDB.swift.git", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird.git", from: "2.28.1"),
        .package(url: "https://github.com/jpsim/Yams.git", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/async-http-client.git", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.13.0"),
        .package(url: "https://github.com/vapor/jwt-kit.git", from: "5.7.1")
    ],
    targets: [
        .target(name: "CSystemCalls"),
        .systemLibrary(name: "CArchive", providers: [.apt(["libarchive-dev"])]),
        module("GranaryArchive", ["CArchive", .nioCore]),
        module("GranaryModel", []),
        module("GranaryFormat", ["GranaryModel", .crypto, .httpTypes, .nioCore]),
        module("GranaryPorts", ["GranaryModel", .httpTypes, .nioCore]),
        module(
            "GranaryUpstream",
            ["GranaryModel", "GranaryPorts", .asyncHTTPClient, .httpTypes, .nioCore, .nioHTTP1, .nioPosix]),
        module("GranaryPolicy", ["GranaryModel"]),
        module("GranaryStore", ["GranaryModel", "GranaryPorts"]),
        module("GranarySQLite", ["GranaryModel", "GranaryPorts", .grdb, .sqlite]),
        module(
            "GranaryBlobsFilesystem", ["GranaryModel", "GranaryPorts", "CSystemCalls", .crypto, .nioCore, .nioPosix]),
        module(
            "GranaryCore",
            [
                "GranaryModel", "GranaryPolicy", "GranaryFormat", "GranaryPorts", "GranaryStore", .crypto,
                .cryptoExtras,
                .httpTypes, .jwt, .lifecycle, .logging, .metrics, .nioCore
            ]),
        module(
            "GranaryHTTP",
            [
                "GranaryModel", "GranaryFormat", "GranaryCore", "CSystemCalls", .httpTypes, .hummingbirdCore,
                .hummingbirdHTTP2, .lifecycle, .logging, .metrics, .coreMetrics, .nioCore, .nioHTTP1, .nioHTTPTypes,
                .nioHTTPTypesHTTP1, .nioPosix, .nioSSL
            ]),
        module(
            "GranaryTestKit",
            [
                "GranaryModel", "GranaryFormat", "GranaryPorts", "GranaryStore", "GranarySQLite",
                "GranaryBlobsFilesystem", "GranaryUpstream",
                "GranaryCore",
                "GranaryHTTP", .asyncHTTPClient, .crypto, .httpTypes, .lifecycle, .logging, .nioCore, .nioHTTP1,
                .nioPosix,
                .nioSSL
            ]),
        .executableTarget(
            name: "granary",
            dependencies: [
                "GranaryModel", "GranaryFormat", "GranaryPorts", "GranaryStore", "GranarySQLite",
                "GranaryBlobsFilesystem", "GranaryUpstream", "GranaryCore", "GranaryHTTP", "CSystemCalls",
                .argumentParser,
                .asyncHTTPClient, .configuration, .coreMetrics, .lifecycle, .logging, .nioCore, .nioHTTP1, .nioPosix,
                .nioSSL, .systemPackage,
                .unixSignals, .yams
            ] + formats.map { .byName(name: "Format\($0)") },
            path: "Sources/granary", swiftSettings: strict),
        tests("GranaryArchive", ["GranaryArchive", "GranaryTestKit", .nioCore]),
        tests("GranaryModel", ["GranaryModel", "GranaryTestKit"]),
        tests("GranaryPolicy", ["GranaryModel", "GranaryPolicy"]),
        tests("GranaryFormat", ["GranaryModel", "GranaryFormat", "GranaryTestKit", .nioCore]),
        tests("GranaryStore", ["GranaryModel", "GranaryPorts", "GranaryStore", "GranarySQLite", "GranaryTestKit"]),
        tests(
            "GranaryUpstream",
            ["GranaryFormat", "GranaryUpstream", "GranaryTestKit", .asyncHTTPClient, .httpTypes, .nioCore]),
        tests("GranarySQLite", ["GranaryPorts", "GranarySQLite", "GranaryTestKit"]),
        tests(
            "GranaryBlobsFilesystem",
            [
                "GranaryModel", "GranaryFormat", "GranaryPorts", "GranaryBlobsFilesystem", "GranaryTestKit", .crypto,
                .nioCore, .nioPosix
            ]),
        tests("Clients", exclude: ["Fixtures"], ["granary", "GranaryTestKit", .crypto]),
        tests(
            "GranaryCore",
            [
                "GranaryModel", "GranaryFormat", "GranaryPorts", "GranaryStore", "GranarySQLite",
                "GranaryBlobsFilesystem", "GranaryCore", "GranaryTestKit", .crypto, .lifecycle, .logging, .nioCore,
                .nioPosix
            ]),
        tests(
            "GranaryHTTP",
            [
                "GranaryHTTP", "GranaryCore", "GranaryFormat", "GranaryModel", "GranaryTestKit", .crypto, .httpTypes,
                .coreMetrics, .logging, .nioCore, .nioSSL
            ] + formats.map { .byName(name: "Format\($0)") }),
        tests(
            "Fuzz", exclude: ["Corpus"],
            ["GranaryModel", "GranaryFormat", "GranaryHTTP", "GranaryTestKit", "GranaryUpstream", .httpTypes, .nioCore]
                + formats.map { .byName(name: "Format\($0)") }),
        tests("granary", ["granary", "GranaryHTTP", "GranaryModel", "GranaryTestKit", .lifecycle, .logging]),
        tests("Tidy", exclude: ["migrations.sha256"], [.crypto])
    ] + formatModules + formatTests + benchmark,
    swiftLanguageModes: [.v6]
)
