package import GranaryFormat
import GranaryModel
import HTTPTypes

extension NPM {
    /// npm shows what `error` says, and nothing else.
    package func reply(to problem: Problem, for head: RequestHead, _ operation: Operation<Call>?) -> Reply {
        let text = RawJSON(detail(of: problem))
        let body = RawJSON(object: [("error", text), ("reason", text)])
        var reply = Reply(status(of: problem), .json, text: body.text, .uncached)
        switch problem {
        case .unauthenticated: reply.headers[.wwwAuthenticate] = #"Basic realm="Granary", charset="UTF-8", Bearer"#
        case .unavailable(_, let seconds), .tooMany(_, let seconds): reply.headers[.retryAfter] = String(seconds)
        default: break
        }
        return reply
    }

    /// Clients try again after 408, 420, 429 and 5xx, and after no other.
    private func status(of problem: Problem) -> HTTPResponse.Status {
        switch problem {
        case .missing: .notFound
        // To npm, a version that exists is one that may not be published.
        case .conflict: .forbidden
        case .preconditionFailed: .conflict
        case .mismatch: .unprocessableContent
        default: problem.status
        }
    }

    private func detail(of problem: Problem) -> String {
        switch problem {
        case .unknown(.package, let name): "there is no package '\(name)' here"
        case .missing(let names): "there is no \(names.joined(separator: ", ")) here"
        case .mismatch(let expected, let actual): "the tarball is \(actual), not \(expected) as its manifest says"
        default: problem.detail
        }
    }
}
