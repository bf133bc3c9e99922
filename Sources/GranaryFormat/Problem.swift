package import GranaryModel

/// Why a request is refused, in terms of the domain. Formats and the management interface word it for their clients.
package enum Problem: Error, Sendable, Equatable {
    /// What a refusal is about.
    package enum Subject: String, Sendable {
        case name, path, digest, version, tag, file, upload, content, range, size, repository, package, query
        case user, token, grant
    }

    /// Malformed input; the text says what would be right.
    case invalid(Subject, String)
    /// It does not exist, or not for the one who asks.
    case unknown(Subject, String)
    /// Content refers to things that are not there: their digests or names.
    case missing([String])
    /// A credential is needed, or the one shown is wrong.
    case unauthenticated(String)
    /// The token shown does not reach this far, but a new one would.
    case insufficientScope
    /// The identity is known and refused, or a rule says no; the text names the rule and what would satisfy it.
    case denied(String)
    /// It exists already, or stands in the way.
    case conflict(String)
    /// A condition of the request (RFC 9110, section 13) does not hold.
    case preconditionFailed(String)
    /// The bytes are not what the request says they are.
    case mismatch(expected: String, actual: String)
    /// A chunk does not start where the upload stands.
    case outOfOrder(UploadStatus)
    /// More than the limit.
    case tooLarge(ByteCount)
    /// The method or feature does not exist here.
    case unsupported(String)
    /// The caller asked for more than they may have at once. Seconds after which to try again.
    case tooMany(String, retryAfter: Int)
    /// The server cannot now: storage full, overload. Seconds after which to try again.
    case unavailable(String, retryAfter: Int)
    /// The client stopped, or was too slow.
    case interrupted(String)
}
