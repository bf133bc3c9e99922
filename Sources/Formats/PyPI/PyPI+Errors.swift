package import GranaryFormat
import GranaryModel
import HTTPTypes

extension PyPI {
    package func reply(to problem: Problem, for head: RequestHead, _ operation: Operation<Call>?) -> Reply {
        var status = status(of: problem)
        // Uploaders look for the words of the text where the status is 400, and give up on others.
        if operation?.name == Self.uploadOperation, status == .conflict { status = .badRequest }
        var headers: HTTPFields = [.cacheControl: "no-store"]
        switch problem {
        case .unauthenticated: headers[.wwwAuthenticate] = #"Basic realm="Granary", charset="UTF-8""#
        case .unsupported: headers[.allow] = allowedMethods(for: head)
        case .unavailable(_, let seconds), .tooMany(_, let seconds): headers[.retryAfter] = String(seconds)
        default: break
        }
        return Reply(
            status, MediaType(checked: "text/plain; charset=utf-8"), text: sentence(detail(of: problem)), headers)
    }

    private func allowedMethods(for head: RequestHead) -> String {
        switch head.path.prefix(while: { $0 != "/" }) {
        case "": "GET, HEAD, POST"
        case "legacy": "POST"
        case "yank": "POST, DELETE"
        case "packages": "GET, HEAD, DELETE"
        default: "GET, HEAD"
        }
    }

    private func status(of problem: Problem) -> HTTPResponse.Status {
        if case .mismatch = problem { .badRequest } else { problem.status }
    }

    private func detail(of problem: Problem) -> String {
        switch problem {
        case .unknown(.package, let name): "there is no project '\(name)'"
        case .mismatch(let expected, let actual): "the digest should be \(expected) and is \(actual)"
        default: problem.detail
        }
    }

    /// One line with a capital at its beginning and a full stop at its end, as clients print it.
    private func sentence(_ text: String) -> String {
        let line = text.split(whereSeparator: \.isNewline).joined(separator: " ")
        let capital = line.prefix(1).uppercased() + line.dropFirst()
        return capital.hasSuffix(".") ? capital : capital + "."
    }
}
