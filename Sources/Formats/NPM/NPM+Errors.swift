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
        case .invalid: .badRequest
        case .unknown, .missing: .notFound
        case .unauthenticated: .unauthorized
        // To npm, a version that exists is one that may not be published.
        case .insufficientScope, .denied, .conflict: .forbidden
        case .preconditionFailed, .outOfOrder: .conflict
        case .mismatch: .unprocessableContent
        case .tooLarge: .contentTooLarge
        case .unsupported: .methodNotAllowed
        case .tooMany: .tooManyRequests
        case .unavailable: .serviceUnavailable
        case .interrupted: .requestTimeout
        }
    }

    private func detail(of problem: Problem) -> String {
        switch problem {
        case .unknown(.package, let name): "there is no package '\(name)' here"
        case .invalid(_, let text), .unknown(_, let text), .unauthenticated(let text), .denied(let text),
            .conflict(let text), .preconditionFailed(let text), .unsupported(let text), .unavailable(let text, _),
            .tooMany(let text, _), .interrupted(let text):
            text
        case .missing(let names): "there is no \(names.joined(separator: ", ")) here"
        case .insufficientScope: "the token shown does not reach this far"
        case .mismatch(let expected, let actual): "the tarball is \(actual), not \(expected) as its manifest says"
        case .outOfOrder: "the upload is not where it should be"
        case .tooLarge(let limit): "more than the limit of \(limit)"
        }
    }
}
