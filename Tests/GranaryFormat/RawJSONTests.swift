import GranaryFormat
import GranaryModel
import Testing

@Suite("JSON as it was sent")
struct RawJSONTests {
    @Test(
        "What is JSON is kept byte for byte",
        arguments: [
            "{}", "[]", "null", "true", "-0.10e+5", #""a\u00e9\/""#, #"{"b":1,"a":[1, {"c" : "}"}],"":{}}"#,
            "12345678901234567890123"
        ])
    func kept(_ text: String) throws {
        #expect(try RawJSON(" \n\(text)\t".utf8).text == text)
    }

    @Test(
        "What is no JSON is refused",
        arguments: [
            "", " ", "{", "[1,]", "{\"a\":1,}", "{a:1}", "'a'", "01", "1.", ".5", "+1", "nul", "[1 2]", "{}{}",
            "\"\n\"",
            #""\x""#, #""\u12g4""#, "\"", "NaN", "-", "1e", #"{"a" 1}"#, #"{"a":1,"a":2}"#, #"{"a":1,"\u0061":2}"#
        ])
    func refused(_ text: String) {
        #expect(throws: Problem.self) { try RawJSON(text.utf8) }
    }

    @Test("Nesting has a limit, and bytes that are no UTF-8 are refused")
    func limits() {
        let deepest = String(repeating: "[", count: RawJSON.maximumDepth)
        let end = String(repeating: "]", count: RawJSON.maximumDepth)
        #expect(throws: Never.self) { try RawJSON((deepest + end).utf8) }
        #expect(throws: Problem.self) { try RawJSON("[\(deepest)\(end)]".utf8) }
        #expect(throws: Problem.self) { try RawJSON([0x22, 0xFF, 0x22]) }
    }

    @Test("Members, elements, strings and numbers are read")
    func reading() throws {
        let value = try RawJSON(#" { "a" : "x\n\ud83d\ude00\"" , "b":[ 1 ,"two",[3], {} ] , "c":false,"d":null} "#.utf8)
        #expect(value.members?.map(\.name) == ["a", "b", "c", "d"])
        #expect(value["a"]?.string == "x\n😀\"")
        #expect(value["b"]?.elements?.map(\.text) == ["1", #""two""#, "[3]", "{}"])
        #expect(value["b"]?.elements?.first?.integer == 1)
        #expect(value["c"]?.boolean == false)
        #expect(value["d"]?.isNull == true)
        #expect(value["e"] == nil)
        #expect(value.elements == nil)
        #expect(value["a"]?["x"] == nil)
    }

    @Test("What is written reads back", arguments: ["", "plain", "q\"b\\s/", "\u{0}\u{1}\n\r\t\u{1F}", "é😀\u{2028}"])
    func writing(_ text: String) throws {
        let written = RawJSON(object: [
            (text, RawJSON(text)), ("list", RawJSON(array: [RawJSON(-7), RawJSON(true), .null]))
        ])
        let read = try RawJSON(written.bytes)
        #expect(read == written)
        #expect(read.members?.first?.name == text)
        #expect(read[text]?.string == text)
        #expect(read["list"]?.text == "[-7,true,null]")
    }
}
