package import GranaryFormat
import GranaryModel
package import HTTPTypes

/// What a search looks for.
package struct SearchRequest: Sendable, Hashable {
    /// A longer page is cut to it.
    package static let maximumSize = 250

    package let text: String
    package let size: Int
    package let from: Int

    init(_ query: Query) {
        text = String((query["text"] ?? "").prefix(200))
        size = min(max(query["size"].flatMap { Int($0) } ?? 20, 0), Self.maximumSize)
        from = min(max(query["from"].flatMap { Int($0) } ?? 0, 0), 10_000)
    }
}

extension NPM {
    /// What is asked of the caller's own account, at whatever repository.
    package enum AccountCall: Sendable, Hashable {
        /// By user name and password; the answer is a token.
        case logIn
        case whoAmI
        case profile
        case listTokens
        case createToken
        /// By its key, or by its secret.
        case revokeToken(String)
    }

    package func isLogin(_ method: HTTPRequest.Method, _ path: String) -> Bool {
        method == .put && path.split(separator: "/").dropFirst().starts(with: ["-", "user"])
    }

    /// Accounts are the same at every repository, and whoever logs in may not see one yet.
    package func parseService(_ head: RequestHead) throws(Problem) -> Operation<Call>? {
        let pieces = head.path.split(separator: "/", omittingEmptySubsequences: false)
        guard pieces.count > 2, pieces[1] == "-" else { return nil }
        let path = try RequestPath(pieces.dropFirst(2).joined(separator: "/"))
        guard let (name, call) = accountCall(path.segments, head.method) else { return nil }
        return Operation(name, .none, .account(call))
    }

    private func accountCall(_ segments: [String], _ method: HTTPRequest.Method) -> (String, AccountCall)? {
        switch (segments, method) {
        case (["whoami"], .get): ("whoami", .whoAmI)
        case (["npm", "v1", "user"], .get): ("profile.get", .profile)
        case (["npm", "v1", "tokens"], .get): ("tokens.list", .listTokens)
        case (["npm", "v1", "tokens"], .post): ("tokens.create", .createToken)
        case (_, .delete) where segments.count == 5 && segments.prefix(4) == ["npm", "v1", "tokens", "token"]:
            ("tokens.revoke", .revokeToken(segments[4]))
        case (_, .delete) where segments.count == 3 && segments.prefix(2) == ["user", "token"]:
            ("logout", .revokeToken(segments[2]))
        case (_, .put) where segments.first == "user" && (segments.count == 2 || segments.count == 4):
            ("login", .logIn)
        default: nil
        }
    }

    package func parse(_ head: RequestHead) throws(Problem) -> Operation<Call> {
        let segments = try RequestPath(Self.withoutEncodedScope(head.path)).segments
        if segments.isEmpty || segments == ["-", "ping"] {
            try require(head, .get, .head)
            return Operation("ping", .rights(.read, nil), .ping)
        }
        if segments[0] == "-" { return try parseService(Array(segments.dropFirst()), head) }
        let nameLength = segments[0].hasPrefix("@") ? 2 : 1
        let package = try NodePackage(segments.prefix(nameLength).joined(separator: "/"))
        return try parse(package, Array(segments.dropFirst(nameLength)), head)
    }

    /// `@scope%2fname`, as most clients spell it, is two segments.
    private static func withoutEncodedScope(_ path: String) -> String {
        path.split(separator: "/", omittingEmptySubsequences: false).map { piece in
            guard piece.hasPrefix("@") || piece.hasPrefix("%40"),
                let percent = piece.indices.first(where: { piece[$0...].prefix(3).lowercased() == "%2f" })
            else { return String(piece) }
            return piece[..<percent] + "/" + piece[piece.index(percent, offsetBy: 3)...]
        }.joined(separator: "/")
    }

    private func parse(_ package: NodePackage, _ rest: [String], _ head: RequestHead) throws(Problem) -> Operation<Call>
    {
        let method = head.method
        let isRead = method == .get || method == .head
        switch rest.count {
        case 0 where isRead: return Operation("packument.get", .rights(.read, package.name), .packument(package))
        case 0 where method == .put: return Operation("package.put", .rights(.write, package.name), .put(package))
        case 1 where isRead:
            return Operation("manifest.get", .rights(.read, package.name), .manifest(package, rest[0]))
        case 1 where method == .put:
            return Operation("tag.put", .rights(.write, package.name), .setTag(package, try distTag(rest[0])))
        default: break
        }
        if rest.first == "-rev", rest.count == 2 {
            let requirement = Requirement.rights(.delete, package.name)
            switch method {
            case .put: return Operation("versions.delete", requirement, .putRevision(package, revision: rest[1]))
            case .delete: return Operation("package.delete", requirement, .deletePackage(package, revision: rest[1]))
            default: break
            }
        }
        if rest.first == "-" {
            if let operation = try parseTarball(package, Array(rest.dropFirst()), head) { return operation }
        }
        throw .unsupported("\(method.rawValue) is not offered here")
    }

    /// `left-1.0.0.tgz`, and `@acme/right-1.0.0.tgz` as old clients spell it.
    private func parseTarball(
        _ package: NodePackage, _ rest: [String], _ head: RequestHead
    ) throws(Problem) -> Operation<Call>? {
        let rest = rest.first == package.scope ? Array(rest.dropFirst()) : rest
        guard let path = rest.first.flatMap(FilePath.init) else { return nil }
        switch (rest.count, head.method) {
        case (1, .get), (1, .head):
            return Operation("tarball.get", .rights(.read, package.name), .tarball(package, path))
        case (1, .delete), (3, .delete):
            return Operation("tarball.delete", .rights(.delete, package.name), .deleteTarball(package, path))
        default: return nil
        }
    }

    private func parseService(_ rest: [String], _ head: RequestHead) throws(Problem) -> Operation<Call> {
        if rest == ["v1", "search"] {
            try require(head, .get, .head)
            return Operation("search", .rights(.read, nil), .search(SearchRequest(head.query)))
        }
        if rest == Self.advisoriesPath {
            try require(head, .post)
            return Operation("audit", .rights(.read, nil), .advisories)
        }
        if rest.first == "package", rest.count > 2 {
            let nameLength = rest[1].hasPrefix("@") ? 2 : 1
            let package = try NodePackage(rest.dropFirst().prefix(nameLength).joined(separator: "/"))
            let action = Array(rest.dropFirst(1 + nameLength))
            if let operation = try parse(packageService: action, of: package, head.method) { return operation }
        }
        throw .unknown(.path, "this registry does not offer '\(rest.joined(separator: "/"))'")
    }

    private func parse(
        packageService action: [String], of package: NodePackage, _ method: HTTPRequest.Method
    ) throws(Problem) -> Operation<Call>? {
        switch (action.first, action.count, method) {
        case ("dist-tags", 1, .get), ("dist-tags", 1, .head):
            return Operation("tags.list", .rights(.read, package.name), .listTags(package))
        case ("dist-tags", 1, .post), ("dist-tags", 1, .put):
            return Operation("tags.put", .rights(.write, package.name), .setTags(package))
        case ("dist-tags", 2, .put), ("dist-tags", 2, .post):
            return Operation("tag.put", .rights(.write, package.name), .setTag(package, try distTag(action[1])))
        case ("dist-tags", 2, .delete):
            return Operation("tag.delete", .rights(.delete, package.name), .removeTag(package, try distTag(action[1])))
        case ("visibility", 1, .get):
            return Operation("visibility.get", .rights(.read, package.name), .visibility(package))
        default: return nil
        }
    }

    private func require(_ head: RequestHead, _ methods: HTTPRequest.Method...) throws(Problem) {
        guard methods.contains(head.method) else {
            throw .unsupported("\(head.method.rawValue) is not offered here")
        }
    }

    /// Throws `.invalid(.tag, …)`. A dist-tag that could be taken for a version or a range of versions is refused.
    func distTag(_ text: String) throws(Problem) -> TagName {
        guard let tag = TagName(text), !isVersionRange(text), !["__proto__", "constructor"].contains(text) else {
            throw .invalid(.tag, "a dist-tag is a word that cannot be taken for a version or a range of versions")
        }
        return tag
    }
}
