package import HTTPTypes

extension Problem {
    /// The status that says it where a protocol does not want another.
    package var status: HTTPResponse.Status {
        switch self {
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

    /// A sentence for people, where a format has no better one.
    package var detail: String {
        switch self {
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
