package import GranaryFormat
import GranaryModel
import HTTPTypes

extension Helm {
    /// The push plugin shows what `error` says; Helm itself shows the status only.
    package func reply(to problem: Problem, for head: RequestHead, _ operation: Operation<Call>?) -> Reply {
        let body = RawJSON(object: [("error", RawJSON(detail(of: problem)))])
        var reply = Reply(status(of: problem), .json, text: body.text, .uncached)
        switch problem {
        case .unauthenticated: reply.headers[.wwwAuthenticate] = #"Basic realm="Granary", charset="UTF-8""#
        case .unsupported: reply.headers[.allow] = allowedMethods(for: head)
        case .unavailable(_, let seconds), .tooMany(_, let seconds): reply.headers[.retryAfter] = String(seconds)
        default: break
        }
        return reply
    }

    private func allowedMethods(for head: RequestHead) -> String {
        let segments = head.path.split(separator: "/")
        return switch (segments.first, segments.count) {
        case (nil, _), ("index.yaml", 1), ("api", 3): "GET, HEAD"
        case ("api", 2): segments[1] == "prov" ? "POST" : "GET, HEAD, POST"
        case ("api", 4): "GET, HEAD, DELETE"
        default: "GET, HEAD, PUT, POST, DELETE"
        }
    }

    private func status(of problem: Problem) -> HTTPResponse.Status {
        if case .mismatch = problem { .badRequest } else { problem.status }
    }

    private func detail(of problem: Problem) -> String {
        switch problem {
        case .unknown(.package, let name): "there is no chart '\(name)'"
        case .missing(let names): "there is no \(names.joined(separator: ", "))"
        case .mismatch(let expected, let actual):
            "the provenance is of an archive \(expected), and this one is \(actual)"
        default: problem.detail
        }
    }
}
