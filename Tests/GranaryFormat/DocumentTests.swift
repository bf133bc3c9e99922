import GranaryFormat
import GranaryModel
import HTTPTypes
import NIOCore
import Testing

@Suite("Generated documents")
struct DocumentTests {
    private func head(_ condition: String?) -> RequestHead {
        var headers = HTTPFields()
        headers[.ifNoneMatch] = condition
        return RequestHead(
            method: .get, prefix: "/f/r/", path: "x", query: Query(""), headers: headers, origin: "http://localhost")
    }

    private func document(_ text: String, variant: String = "") -> Document {
        Document(ByteBuffer(string: text), variant: variant)
    }

    @Test("A client that has the document is told so", arguments: ["TAG", "W/TAG", "\"x\", TAG", "*"])
    func notModified(_ condition: String) {
        let tag = document("x").entityTag
        let again = head(condition.replacing("TAG", with: tag))
        let known = Reply(document("x"), .json, to: again)
        #expect(known.status == .notModified && known.headers[.eTag] == tag)
        #expect(Reply(document("y"), .json, to: again).status == (condition == "*" ? .notModified : .ok))
        #expect(Reply(document("x"), .json, to: head(nil)).status == .ok)
    }

    @Test("The same bytes in two variants have two tags")
    func variants() {
        #expect(document("x", variant: "a").entityTag != document("x", variant: "b").entityTag)
        #expect(document("x", variant: "a").entityTag == document("x", variant: "a").entityTag)
    }
}
