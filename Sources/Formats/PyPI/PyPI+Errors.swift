import Crypto
package import GranaryFormat
import GranaryModel
import HTTPTypes
import NIOCore

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

    /// A document in memory, with its entity tag; 304 where the client has it (RFC 9110, section 13.1.2).
    func reply(_ content: [UInt8], _ mediaType: MediaType, _ fields: HTTPFields, _ head: RequestHead) -> Reply {
        // Two forms may be the same text under two types.
        var hash = SHA256()
        hash.update(data: Array(mediaType.text.utf8))
        hash.update(data: content)
        let tag = "\"\(hexadecimal(hash.finalize().prefix(16)))\""
        var headers = fields
        headers[.eTag] = tag
        headers[.cacheControl] = "no-cache"
        let known = head.headers[values: .ifNoneMatch].flatMap { $0.split(separator: ",").map { $0.trimmingSpaces() } }
        guard !known.contains(where: { $0 == "*" || $0 == tag || $0 == "W/\(tag)" }) else {
            return Reply(.notModified, headers)
        }
        headers[.contentType] = mediaType.text
        headers[.xContentTypeOptions] = "nosniff"
        headers[.contentSecurityPolicy] =
            "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        return Reply(.ok, headers, .bytes(ByteBuffer(bytes: content)))
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
        switch problem {
        case .invalid, .missing, .mismatch: .badRequest
        case .unknown: .notFound
        case .unauthenticated: .unauthorized
        case .insufficientScope, .denied: .forbidden
        case .conflict, .outOfOrder: .conflict
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
        case .unknown(.package, let name): "there is no project '\(name)'"
        case .invalid(_, let text), .unknown(_, let text), .unauthenticated(let text), .denied(let text),
            .conflict(let text), .preconditionFailed(let text), .unsupported(let text), .unavailable(let text, _),
            .tooMany(let text, _), .interrupted(let text):
            text
        case .missing(let names): "missing: \(names.joined(separator: ", "))"
        case .insufficientScope: "the token shown does not reach this far"
        case .mismatch(let expected, let actual): "the digest should be \(expected) and is \(actual)"
        case .outOfOrder(let status): "the upload stands at \(status.offset)"
        case .tooLarge(let limit): "more than the limit of \(limit)"
        }
    }

    /// One line with a capital at its beginning and a full stop at its end, as clients print it.
    private func sentence(_ text: String) -> String {
        let line = text.split(whereSeparator: \.isNewline).joined(separator: " ")
        let capital = line.prefix(1).uppercased() + line.dropFirst()
        return capital.hasSuffix(".") ? capital : capital + "."
    }
}
