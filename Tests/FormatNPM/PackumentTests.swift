import GranaryFormat
import GranaryModel
import NIOCore
import Testing

@testable import FormatNPM

@Suite("npm: packuments of other registries")
struct PackumentTests {
    private static func decoded(_ time: String) throws -> Packument {
        let versions = ["1.0.0", "1.1.0"].map { #""\#($0)":{"dist":{"tarball":"https://r.example/l/-/l-\#($0).tgz"}}"# }
        let text = #"{"name":"l","versions":{\#(versions.joined(separator: ","))}\#(time)}"#
        let document = ReceivedDocument(
            bytes: ByteBuffer(string: text), mediaType: "application/json", source: "https://r.example/l")
        let name = try #require(PackageName("l"))
        let index = try NPM().decode(.package(name), document)
        return try index.packument(of: NodePackage("l"))
    }

    @Test("A moment that the registry does not tell is told nobody, and one that it tells is")
    func moments() throws {
        let partly = try Self.decoded(#","time":{"1.0.0":"2024-05-06T07:08:09.000Z","1.1.0":"lately"}"#)
        let time = """
            {"created":"2024-05-06T07:08:09.000Z","modified":"2024-05-06T07:08:09.000Z","1.0.0":"2024-05-06T07:08:09.000Z"}
            """
        #expect(partly.full(at: "")["time"]?.text == time)
        #expect(partly.abbreviated(at: "")["modified"]?.string == "2024-05-06T07:08:09.000Z")
        for silent in [try Self.decoded(""), try Self.decoded(#","time":{}"#)] {
            #expect(silent.full(at: "")["time"] == nil && silent.abbreviated(at: "")["time"] == nil)
            #expect(silent.abbreviated(at: "")["modified"] == nil)
        }
    }
}
