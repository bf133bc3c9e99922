package import GranaryFormat
import GranaryModel
import HTTPTypes

extension MediaType {
    static let plainText = MediaType(checked: "text/plain; charset=utf-8")
    static let html = MediaType(checked: "text/html; charset=utf-8")
    static let xml = MediaType(checked: "application/xml")
}

extension Maven {
    /// A refusal is a sentence: clients show its status only, and people read it in a browser or with curl.
    package func reply(to problem: Problem, for head: RequestHead, _ operation: Operation<Call>?) -> Reply {
        var reply = Reply(
            problem.status, .plainText, text: detail(of: problem) + "\n", [.cacheControl: "no-store"])
        switch problem {
        // Ivy looks credentials up by this realm, so it never changes.
        case .unauthenticated: reply.headers[.wwwAuthenticate] = #"Basic realm="Granary", charset="UTF-8""#
        case .unsupported: reply.headers[.allow] = "GET, HEAD, PUT, DELETE"
        case .unavailable(_, let seconds), .tooMany(_, let seconds): reply.headers[.retryAfter] = String(seconds)
        default: break
        }
        return reply
    }

    private func detail(of problem: Problem) -> String {
        switch problem {
        case .unknown(.package, let name): "there is no artifact \(name)"
        case .unknown(.version, let name): "there is no version \(name)"
        default: problem.detail
        }
    }
}
