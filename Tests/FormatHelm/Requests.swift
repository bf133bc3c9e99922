import GranaryFormat
import GranaryModel
import HTTPTypes
import NIOCore

@testable import FormatHelm

/// A request to `/helm/charts/` with header fields by name.
func head(
    _ method: HTTPRequest.Method, _ path: String, query: String = "", _ fields: [(String, String)] = []
) -> RequestHead {
    var headers = HTTPFields()
    for (name, value) in fields {
        if let name = HTTPField.Name(name) { headers.append(HTTPField(name: name, value: value)) }
    }
    return RequestHead(
        method: method, prefix: "/helm/charts/", path: path, query: Query(query), headers: headers,
        origin: "https://granary.example")
}

/// What is said of the error that `body` throws; nil where it succeeds.
func refusal(_ body: () throws -> Void) -> String? {
    do {
        try body()
        return nil
    } catch let problem as Problem {
        return problem.detail
    } catch {
        return "\(error)"
    }
}

/// The status of the refusal of a request; nil where it is parsed.
func status(_ head: RequestHead) -> Int? {
    do throws(Problem) {
        _ = try Helm().parse(head)
        return nil
    } catch {
        return Helm().reply(to: error, for: head, nil).status.code
    }
}
