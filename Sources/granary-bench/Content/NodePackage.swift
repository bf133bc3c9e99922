import Crypto
import FoundationEssentials

/// A version of a package as npm publishes it.
struct NodePackage: Sendable {
    /// What is kept in the version's file of the packument, and in the tarball.
    private let manifest: String
    private let name: String
    private let version: String
    private let tarball: [UInt8]

    init(_ name: String, _ version: String) {
        (self.name, self.version) = (name, version)
        manifest = """
            "name":"\(name)","version":"\(version)","description":"A package of a benchmark","main":"index.js",\
            "license":"Apache-2.0","keywords":["bench","packument","registry"],\
            "repository":{"type":"git","url":"git+https://git.example/bench/\(name).git"},\
            "bugs":{"url":"https://git.example/bench/\(name)/issues"},"homepage":"https://bench.example/\(name)",\
            "author":{"name":"A Bench","email":"bench@example.invalid"},"engines":{"node":">=18"},\
            "scripts":{"test":"node test.js","build":"node build.js","prepack":"node build.js"},\
            "bin":{"\(name)":"cli.js"},\
            "dependencies":{"first":"^1.2.3","second":"^4.0.0","third":"~2.7.1","fourth":">=3 <5","fifth":"^0.9.0"},\
            "devDependencies":{"linter":"^8.1.0","runner":"^29.0.0","types":"^5.2.2"},\
            "peerDependencies":{"host":">=17"}
            """
        var tar = TarWriter()
        tar.add("package/package.json", Array("{\(manifest)}".utf8))
        tar.add("package/index.js", Array("module.exports = \"\(version)\";\n".utf8))
        tarball = tar.gzipped
    }

    /// The document that publishes it as the latest version.
    var publication: Payload {
        let file = "\(name)-\(version).tgz"
        let integrity = Data(SHA512.hash(data: tarball)).base64EncodedString()
        let text = """
            {"_id":"\(name)","name":"\(name)","description":"A package of a benchmark",\
            "dist-tags":{"latest":"\(version)"},\
            "versions":{"\(version)":{\(manifest),"_id":"\(name)@\(version)","_nodeVersion":"20.20.2",\
            "_npmVersion":"10.8.2","dist":{"integrity":"sha512-\(integrity)","shasum":"\(shasum)",\
            "tarball":"http://127.0.0.1/\(name)/-/\(file)"}}},"access":null,\
            "_attachments":{"\(file)":{"content_type":"application/octet-stream",\
            "data":"\(Data(tarball).base64EncodedString())","length":\(tarball.count)}}}
            """
        return Payload(Array(text.utf8))
    }

    private var shasum: String {
        Insecure.SHA1.hash(data: tarball).map { byte in
            (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
    }
}
