package import GranaryFormat
import GranaryModel
import HTTPTypes

extension OCI {
    static let registryVersion = "registry/2.0"

    package func reply(to problem: Problem, for head: RequestHead, _ operation: Operation<Call>?) -> Reply {
        var reply: Reply
        if case .outOfOrder(let status) = problem {
            // The client resumes from the headers; the specification wants no body.
            reply = session(.rangeNotSatisfiable, status, ImageAddress(head, status.package))
        } else if case .unknown(.package, _) = problem, case .image(_, .listReferrers) = operation?.call {
            // What does not exist has no referrers, and so has what somebody may not see.
            reply = referrersReply([])
        } else {
            let refusal = refusal(problem, head, operation?.call)
            reply = Reply(refusal.status, .json, text: jsonText(ErrorList(errors: [refusal.entry])))
        }
        reply.headers[.registryVersion] = Self.registryVersion
        switch problem {
        case .unauthenticated, .insufficientScope:
            reply.headers[.wwwAuthenticate] = challenge(problem, head, operation)
        case .unavailable(_, let seconds), .tooMany(_, let seconds):
            reply.headers[.retryAfter] = String(max(seconds, 1))
        default:
            break
        }
        if reply.status == .methodNotAllowed {
            let others = methods(at: head).filter { $0 != head.method }
            reply.headers[.allow] = others.map(\.rawValue).joined(separator: ", ")
        }
        return reply
    }

    // MARK: Codes

    private func refusal(_ problem: Problem, _ head: RequestHead, _ call: Call?) -> Refusal {
        switch problem {
        case .invalid(let subject, let text): invalid(subject, text, head, call)
        // The same words for an image in a repository the caller may not see and for one in no repository at all.
        case .unknown(.package, _), .unknown(.repository, _):
            Refusal(.notFound, "NAME_UNKNOWN", "there is no such image")
        case .unknown(let subject, let text): Refusal(.notFound, unknownCode(subject, call), text)
        case .missing(let names):
            Refusal(
                .badRequest, "MANIFEST_BLOB_UNKNOWN", "the manifest refers to content this image does not have",
                names.map { $0.hasPrefix("blobs/") ? String($0.dropFirst("blobs/".count)) : $0 })
        case .unauthenticated(let text): Refusal(.unauthorized, "UNAUTHORIZED", text)
        case .insufficientScope:
            Refusal(.unauthorized, "UNAUTHORIZED", "the token does not reach this far; ask for a new one")
        case .denied(let text): Refusal(.forbidden, "DENIED", text)
        case .conflict(let text): conflict(text, head, call)
        case .preconditionFailed(let text): Refusal(.preconditionFailed, "DENIED", text)
        case .mismatch(let expected, let actual):
            Refusal(.badRequest, "DIGEST_INVALID", "the content is \(actual), not \(expected)")
        case .outOfOrder: Refusal(.rangeNotSatisfiable, "RANGE_INVALID", "the chunk does not start at the upload's end")
        case .tooLarge(let limit): Refusal(.contentTooLarge, "SIZE_INVALID", "at most \(limit) are accepted")
        case .unsupported(let text): Refusal(.methodNotAllowed, "UNSUPPORTED", text)
        case .tooMany(let text, _): Refusal(.tooManyRequests, "TOOMANYREQUESTS", text)
        case .unavailable(let text, _): Refusal(.serviceUnavailable, "UNAVAILABLE", text)
        case .interrupted(let text): Refusal(.badRequest, contentCode(call), text)
        }
    }

    /// What may not be deleted yet cannot be deleted in the specification's eyes; a tag that may not move is a rule.
    private func conflict(_ text: String, _ head: RequestHead, _ call: Call?) -> Refusal {
        if case .image(_, .upload) = call { return Refusal(.conflict, "BLOB_UPLOAD_INVALID", text) }
        return head.method == .delete
            ? Refusal(.methodNotAllowed, "UNSUPPORTED", text) : Refusal(.conflict, "DENIED", text)
    }

    private func invalid(_ subject: Problem.Subject, _ text: String, _ head: RequestHead, _ call: Call?) -> Refusal {
        switch subject {
        case .name, .path, .package, .repository: Refusal(.badRequest, "NAME_INVALID", text)
        case .digest, .version: Refusal(.badRequest, "DIGEST_INVALID", text)
        case .tag: Refusal(.badRequest, "TAG_INVALID", text)
        case .upload: Refusal(.badRequest, "BLOB_UPLOAD_INVALID", text)
        case .content, .file: Refusal(.badRequest, contentCode(call), text)
        case .range: Refusal(.badRequest, "RANGE_INVALID", text)
        case .size: Refusal(.badRequest, "SIZE_INVALID", text)
        case .query:
            // Only a manifest's tags make a query too long; lists have a page size that can be wrong.
            head.method == .put
                ? Refusal(.uriTooLong, "TAG_INVALID", text)
                : Refusal(.badRequest, "PAGINATION_NUMBER_INVALID", text)
        case .user, .token, .grant: Refusal(.badRequest, "UNSUPPORTED", text)
        }
    }

    /// What is unknown follows from what was asked for, but for the names that come before it.
    private func unknownCode(_ subject: Problem.Subject, _ call: Call?) -> String {
        switch subject {
        case .package, .repository, .name: return "NAME_UNKNOWN"
        case .path: return "UNSUPPORTED"
        case .upload: return "BLOB_UPLOAD_UNKNOWN"
        default: break
        }
        guard case .image(_, let action) = call else { return subject == .tag ? "MANIFEST_UNKNOWN" : "NAME_UNKNOWN" }
        switch action {
        case .getManifest, .putManifest, .deleteManifest, .listTags, .listReferrers: return "MANIFEST_UNKNOWN"
        case .getBlob, .deleteBlob, .mount, .putBlob: return "BLOB_UNKNOWN"
        case .openUpload, .upload: return "BLOB_UPLOAD_UNKNOWN"
        }
    }

    private func contentCode(_ call: Call?) -> String {
        if case .image(_, .putManifest) = call { "MANIFEST_INVALID" } else { "BLOB_UPLOAD_INVALID" }
    }

    // MARK: Challenges

    /// Exactly one, because clients take the first they know. The token endpoint itself takes passwords only.
    func challenge(_ problem: Problem, _ head: RequestHead, _ operation: Operation<Call>?) -> String {
        let operation = operation ?? asked(head)
        let authority = head.origin.split(separator: "/").last.map(String.init) ?? ""
        if case .token = operation?.call { return "Basic realm=\(quoted(authority))" }
        var parameters = [
            "realm=" + quoted(head.origin + ImageAddress.mount + "_token"), "service=" + quoted(authority)
        ]
        if let scope = scope(head, operation) { parameters.append("scope=" + quoted(scope)) }
        if problem == .insufficientScope {
            parameters.append("error=\"insufficient_scope\"")
        } else if head.headers[.authorization]?.lowercased().hasPrefix("bearer ") ?? false {
            parameters.append("error=\"invalid_token\"")
        }
        return "Bearer " + parameters.joined(separator: ",")
    }

    /// A wrong credential is refused before the request is parsed; a client is to ask for the right scope all the same.
    private func asked(_ head: RequestHead) -> Operation<Call>? {
        if head.prefix == ImageAddress.mount, let service = try? parseService(head) { return service }
        return try? parse(head)
    }

    /// Who pushes also reads what is there, and who deletes looks it up first.
    private func scope(_ head: RequestHead, _ operation: Operation<Call>?) -> String? {
        switch (operation?.call, operation?.requirement) {
        case (.catalog, _): "registry:catalog:*"
        // Who asks whether a blob is there is about to push it, and some clients keep the first token they get.
        case (.image(let image, .getBlob), _) where head.method == .head:
            TokenScope.repository(ImageAddress(head, image).name, [.read, .write])
        case (.image(let image, _), .rights(let rights, _)):
            TokenScope.repository(ImageAddress(head, image).name, rights.union(.read))
        default: nil
        }
    }

    private func quoted(_ text: String) -> String { "\"" + text.filter { $0 != "\"" && $0 != "\\" } + "\"" }
}

private struct Refusal {
    let status: HTTPResponse.Status
    let entry: ErrorList.Entry

    init(_ status: HTTPResponse.Status, _ code: String, _ message: String, _ detail: [String]? = nil) {
        self.status = status
        entry = ErrorList.Entry(code: code, message: message, detail: detail)
    }
}

/// Distribution specification, "Error Codes".
private struct ErrorList: Encodable {
    struct Entry: Encodable {
        let code: String
        let message: String
        let detail: [String]?
    }

    let errors: [Entry]
}

extension HTTPField.Name {
    static let contentDigest = Self(known: "Docker-Content-Digest")
    static let uploadID = Self(known: "Docker-Upload-UUID")
    static let registryVersion = Self(known: "Docker-Distribution-API-Version")
    static let subject = Self(known: "OCI-Subject")
    static let tag = Self(known: "OCI-Tag")
    static let filtersApplied = Self(known: "OCI-Filters-Applied")
    static let link = Self(known: "Link")
    static let namespace = Self(known: "OCI-Namespace")
}
