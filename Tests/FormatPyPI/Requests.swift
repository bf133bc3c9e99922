import GranaryFormat
import HTTPTypes
import NIOCore

@testable import FormatPyPI

/// A request to `/pypi/py/` with header fields by name.
func head(
    _ method: HTTPRequest.Method, _ path: String, query: String = "", _ fields: [(String, String)] = []
) -> RequestHead {
    var headers = HTTPFields()
    for (name, value) in fields {
        if let name = HTTPField.Name(name) { headers.append(HTTPField(name: name, value: value)) }
    }
    return RequestHead(
        method: method, prefix: "/pypi/py/", path: path, query: Query(query), headers: headers,
        origin: "https://granary.example")
}

/// The error that parsing answers; nil where it succeeds.
func problem(of head: RequestHead) -> Problem? {
    do throws(Problem) {
        _ = try PyPI().parse(head)
        return nil
    } catch {
        return error
    }
}

/// The text of the error that `body` throws; nil where it succeeds.
func refusal(_ body: () throws(Problem) -> Void) -> String? {
    do throws(Problem) {
        try body()
        return nil
    } catch {
        return text(of: PyPI().reply(to: error, for: head(.get, ""), nil))
    }
}

/// The text of a reply.
func text(of reply: Reply) -> String {
    guard case .bytes(let buffer) = reply.body else { return "" }
    return String(decoding: buffer.readableBytesView, as: UTF8.self)
}
