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
            status(of: problem), .plainText, text: detail(of: problem) + "\n", [.cacheControl: "no-store"])
        switch problem {
        // Ivy looks credentials up by this realm, so it never changes.
        case .unauthenticated: reply.headers[.wwwAuthenticate] = #"Basic realm="Granary", charset="UTF-8""#
        case .unsupported: reply.headers[.allow] = "GET, HEAD, PUT, DELETE"
        case .unavailable(_, let seconds), .tooMany(_, let seconds): reply.headers[.retryAfter] = String(seconds)
        default: break
        }
        return reply
    }

    private func status(of problem: Problem) -> HTTPResponse.Status {
        switch problem {
        case .invalid, .missing: .badRequest
        case .unknown: .notFound
        case .unauthenticated: .unauthorized
        case .insufficientScope, .denied: .forbidden
        case .conflict, .mismatch, .outOfOrder: .conflict
        case .preconditionFailed: .preconditionFailed
        case .tooLarge: .contentTooLarge
        case .unsupported: .methodNotAllowed
        case .tooMany: .tooManyRequests
        case .unavailable: .serviceUnavailable
        case .interrupted: .requestTimeout
        }
    }

    private func detail(of problem: Problem) -> String {
        switch problem {
        case .unknown(.package, let name): "there is no artifact \(name)"
        case .unknown(.version, let name): "there is no version \(name)"
        case .invalid(_, let text), .unknown(_, let text), .unauthenticated(let text), .denied(let text),
            .conflict(let text), .preconditionFailed(let text), .unsupported(let text), .unavailable(let text, _),
            .tooMany(let text, _), .interrupted(let text):
            text
        case .missing(let names): "missing: \(names.joined(separator: ", "))"
        case .insufficientScope: "the token shown does not reach this far"
        case .mismatch(let expected, let actual): "expected \(expected), got \(actual)"
        case .outOfOrder(let status): "the upload stands at \(status.offset)"
        case .tooLarge(let limit): "more than the limit of \(limit)"
        }
    }
}
