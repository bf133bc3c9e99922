import Crypto
import FormatNPM
import Foundation
import GranaryCore
import GranaryFormat
import GranaryModel
import GranaryTestKit
import Testing

/// Serves npm repositories, by name.
func withPackages(
    _ repositories: [String: RepositorySettings] = ["web": RepositorySettings()],
    _ body: @escaping @Sendable (TestServer) async throws -> Void
) async throws {
    let folder = try TemporaryDirectory()
    defer { folder.remove() }
    let new = try repositories.map { name, settings in
        NewRepository(name: try name.parsed(), format: NPM().name, kind: .local, settings: settings)
    }
    try await TestServer.run(formats: [NPM()], repositories: new, in: folder, body)
}

/// A tar archive written by hand (POSIX ustar), so that it can be wrong in any way.
struct HandmadeTar {
    private(set) var bytes: [UInt8] = []

    /// `kind` is the type flag: `0` a file, `2` a symbolic link, `5` a directory.
    mutating func add(_ path: String, _ content: String = "", kind: Character = "0", link: String = "") {
        var header = [UInt8](repeating: 0, count: 512)
        func put(_ text: String, at offset: Int) {
            header.replaceSubrange(offset..<(offset + text.utf8.count), with: text.utf8)
        }
        func octal(_ number: Int, _ digits: Int) -> String {
            let text = String(number, radix: 8)
            return String(repeating: "0", count: digits - text.count) + text
        }
        put(path, at: 0)
        for (offset, mode) in [(100, "0000644"), (108, "0000000"), (116, "0000000")] { put(mode, at: offset) }
        put(octal(content.utf8.count, 11), at: 124)
        put("00000000000", at: 136)
        put("        ", at: 148)
        put(String(kind), at: 156)
        put(link, at: 157)
        put("ustar\u{0}00", at: 257)
        put(octal(header.reduce(0) { $0 + Int($1) }, 6) + "\u{0} ", at: 148)
        bytes += header + Array(content.utf8) + [UInt8](repeating: 0, count: (512 - content.utf8.count % 512) % 512)
    }

    /// As it is packed, by gzip.
    var closed: [UInt8] { Archives.gzip(archive) }

    var archive: [UInt8] { bytes + [UInt8](repeating: 0, count: 1024) }

    /// Of a package as `npm pack` makes it.
    static func package(_ name: String, _ version: String, _ more: String = "") -> [UInt8] {
        var tar = HandmadeTar()
        tar.add("package/package.json", #"{"name":"\#(name)","version":"\#(version)"\#(more)}"#)
        return tar.closed
    }
}

extension TestServer {
    /// The version that the dist-tag `latest` of a package in `web` is kept for; nil where there is none.
    func latest(of name: String) async throws -> String? {
        let tags = try await send("GET", "/npm/web/-/package/\(name)/dist-tags")
        return try RawJSON(tags.body)["latest"]?.string
    }

    /// Publishes a tarball as npm does; `change` may spoil the document.
    func publish(
        _ name: String, _ version: String, _ tarball: [UInt8]? = nil, tag: String = "latest",
        to repository: String = "web",
        authorization: String? = adminBasic, more: String = "", _ change: (String) -> String = { $0 }
    ) async throws -> TestAnswer {
        let data = Data(tarball ?? HandmadeTar.package(name, version))
        let integrity = "sha512-" + Data(SHA512.hash(data: data)).base64EncodedString()
        let document = """
            {"_id":"\(name)","name":"\(name)","dist-tags":{"\(tag)":"\(version)"},"versions":{"\(version)":{"name":"\(name)",\
            "version":"\(version)"\(more),"dist":{"integrity":"\(integrity)"}}},"access":null,"_attachments":\
            {"\(name)-\(version).tgz":{"content_type":"application/octet-stream","data":"\(data.base64EncodedString())",\
            "length":\(data.count)}}}
            """
        return try await send(
            "PUT", "/npm/\(repository)/\(name.replacingOccurrences(of: "/", with: "%2f"))",
            body: Array(change(document).utf8), authorization: authorization)
    }
}
