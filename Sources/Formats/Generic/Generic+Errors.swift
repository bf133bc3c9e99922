import FoundationEssentials
package import GranaryFormat
import GranaryModel
import HTTPTypes

extension Generic {
    package func reply(to problem: Problem, for head: RequestHead, _ operation: Operation<Call>?) -> Reply {
        var reply = problemReply(problem.status, detail(of: problem), for: head)
        switch problem {
        case .unauthenticated: reply.headers[.wwwAuthenticate] = #"Basic realm="Granary", charset="UTF-8""#
        case .unsupported: reply.headers[.allow] = allowedMethods(for: head)
        case .unavailable(_, let seconds), .tooMany(_, let seconds): reply.headers[.retryAfter] = String(seconds)
        case .outOfOrder(let status): reply.headers[named: "Upload-Offset"] = String(status.offset)
        case .preconditionFailed where isResumable(head): reply.headers[named: "Tus-Version"] = tusVersion
        default: break
        }
        return reply
    }

    /// A refusal as problem details (RFC 9457).
    func problemReply(_ status: HTTPResponse.Status, _ detail: String, for head: RequestHead) -> Reply {
        let document = ProblemDocument(status: status.code, title: status.reasonPhrase, detail: detail)
        var headers: HTTPFields = [.cacheControl: "no-store"]
        if isResumable(head) { headers[named: "Tus-Resumable"] = tusVersion }
        return Reply(status, .problem, text: jsonText(document), headers)
    }

    func optionsReply(to head: RequestHead) -> Reply {
        var headers = tusDiscovery
        headers[.allow] = allowedMethods(for: head)
        return Reply(.noContent, headers)
    }

    private func allowedMethods(for head: RequestHead) -> String {
        isSession(head) ? "OPTIONS, HEAD, PATCH, DELETE, POST" : "OPTIONS, GET, HEAD, PUT, DELETE, POST"
    }

    private func detail(of problem: Problem) -> String {
        if case .unknown(.package, let name) = problem { return "there is no directory '\(name)'" }
        return problem.detail
    }
}

private struct ProblemDocument: Encodable {
    let type = "about:blank"
    let status: Int
    let title: String
    let detail: String
}

extension RequestHead {
    /// The repository's name, as its address has it.
    var repository: String { prefix.split(separator: "/").last.map(String.init) ?? "" }
}
