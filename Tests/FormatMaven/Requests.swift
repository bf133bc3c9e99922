import GranaryFormat
import GranaryModel
import HTTPTypes
import NIOCore

@testable import FormatMaven

/// A request to `/maven/libs/` with header fields by name.
func head(_ method: HTTPRequest.Method, _ path: String, _ fields: [(String, String)] = []) -> RequestHead {
    var headers = HTTPFields()
    for (name, value) in fields {
        if let name = HTTPField.Name(name) { headers.append(HTTPField(name: name, value: value)) }
    }
    return RequestHead(
        method: method, prefix: "/maven/libs/", path: path, query: Query(""), headers: headers,
        origin: "https://granary.example")
}

/// The error that parsing answers; nil where it succeeds.
func problem(of head: RequestHead) -> Problem? {
    do throws(Problem) {
        _ = try Maven().parse(head)
        return nil
    } catch {
        return error
    }
}

/// Status of the answer to a request that does not parse; nil where it parses.
func refusal(of head: RequestHead) -> Int? {
    problem(of: head).map { Maven().reply(to: $0, for: head, nil).status.code }
}

/// The text of a reply.
func text(of reply: Reply) -> String {
    guard case .bytes(let buffer) = reply.body else { return "" }
    return String(decoding: buffer.readableBytesView, as: UTF8.self)
}
