import GranaryFormat
import GranaryModel
import HTTPTypes

/// An error as the management interface words it (RFC 9457).
package struct ProblemDetails: Codable, Sendable {
    package let type: String
    package let title: String
    package let status: Int
    package let detail: String

    /// The one place where a refusal gets its status in the management interface.
    static func reply(to problem: Problem) -> Reply {
        let (status, detail) = wording(problem)
        var headers = HTTPFields()
        switch problem {
        case .unauthenticated, .insufficientScope:
            headers[.wwwAuthenticate] = "Basic realm=\"Granary\", charset=\"UTF-8\""
        case .unavailable(_, let seconds), .tooMany(_, let seconds):
            headers[.retryAfter] = String(seconds)
        default:
            break
        }
        let body = ProblemDetails(
            type: "about:blank", title: status.reasonPhrase, status: status.code, detail: detail)
        return Reply(status, MediaType(checked: "application/problem+json"), text: jsonText(body), headers)
    }

    private static func wording(_ problem: Problem) -> (HTTPResponse.Status, String) {
        switch problem {
        case .invalid(let subject, let text): (.badRequest, "\(subject.rawValue): \(text)")
        case .unknown(_, let text): (.notFound, text)
        case .missing(let names): (.badRequest, "missing: \(names.joined(separator: ", "))")
        case .unauthenticated(let text): (.unauthorized, text)
        case .insufficientScope: (.unauthorized, "the token does not reach this far")
        case .denied(let text): (.forbidden, text)
        case .conflict(let text): (.conflict, text)
        case .preconditionFailed(let text): (.preconditionFailed, text)
        case .mismatch(let expected, let actual): (.badRequest, "expected \(expected), got \(actual)")
        case .outOfOrder(let status): (.conflict, "the upload stands at \(status.offset)")
        case .tooLarge(let limit): (.contentTooLarge, "the limit is \(limit)")
        case .unsupported(let text): (.methodNotAllowed, text)
        case .tooMany(let text, _): (.tooManyRequests, text)
        case .unavailable(let text, _): (.serviceUnavailable, text)
        case .interrupted(let text): (.badRequest, text)
        }
    }
}
