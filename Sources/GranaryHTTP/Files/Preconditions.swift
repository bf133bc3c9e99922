import GranaryFormat
import GranaryModel
import HTTPTypes

/// The conditions of a read, in the order of RFC 9110, section 13.2.2.
enum Preconditions {
    enum Verdict: Equatable {
        case proceed
        case notModified
        case failed
    }

    /// `entityTag` is a strong tag without its quotes; `modified` is compared in whole seconds.
    static func evaluate(_ headers: HTTPFields, entityTag: String, modified: Timestamp?) -> Verdict {
        if let ifMatch = headers[.ifMatch] {
            guard list(ifMatch).contains(where: { $0 == "*" || $0 == "\"\(entityTag)\"" }) else { return .failed }
        } else if let since = headers[.ifUnmodifiedSince].flatMap(HTTPDate.parse), let modified {
            guard modified.seconds <= since else { return .failed }
        }
        if let ifNoneMatch = headers[.ifNoneMatch] {
            let matches = list(ifNoneMatch).contains { $0 == "*" || weak($0) == "\"\(entityTag)\"" }
            return matches ? .notModified : .proceed
        }
        if let since = headers[.ifModifiedSince].flatMap(HTTPDate.parse), let modified, modified.seconds <= since {
            return .notModified
        }
        return .proceed
    }

    /// Whether a range may be served: `If-Range` is absent, or names exactly this representation.
    static func allowsRange(_ headers: HTTPFields, entityTag: String, modified: Timestamp?) -> Bool {
        guard let ifRange = headers[.ifRange] else { return true }
        if ifRange == "\"\(entityTag)\"" { return true }
        return HTTPDate.parse(ifRange).map { $0 == modified?.seconds } ?? false
    }

    private static func list(_ header: String) -> [Substring] {
        header.split(separator: ",").map { $0.drop { $0 == " " }.trimmingSuffix() }
    }

    private static func weak(_ tag: Substring) -> Substring { tag.hasPrefix("W/") ? tag.dropFirst(2) : tag }
}

extension Substring {
    fileprivate func trimmingSuffix() -> Substring {
        var text = self
        while text.last == " " { text.removeLast() }
        return text
    }
}
