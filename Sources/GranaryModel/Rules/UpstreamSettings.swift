/// Where a remote repository gets its content from, and how it asks for it.
package struct UpstreamSettings: Sendable, Equatable, Codable {
    package static let maximumURLBytes = 1000
    package static let maximumPatterns = 200
    package static let maximumSecretBytes = 16 << 10
    /// Of a namespace and of a prefix.
    package static let maximumNameBytes = 128
    /// Ten years.
    package static let maximumSeconds: Int64 = 315_360_000
    package static let maximumCacheBytes: Int64 = 1 << 53

    /// `http` or `https`, with a slash at its end; the format's own addresses follow it.
    package var url: String
    /// Nil asks as somebody unknown. Without a user, the secret is a bearer token.
    package var user: String?
    /// Encrypted by the server; never shown.
    package var sealedSecret: String?
    /// Whether the upstream may have a private or loopback address.
    package var allowsPrivateAddresses: Bool
    /// Whether nothing is asked for: what is in the cache is all there is.
    package var isOffline: Bool
    /// What of the upstream is there: names that fit one of these, or every name where there is none.
    package var include: [String]
    /// What of the upstream is not there, whatever `include` says.
    package var exclude: [String]
    /// For how many seconds what changes is taken as it is; nil is what the format finds right.
    package var freshSeconds: Int64?
    /// How many seconds a version must have been out to be shown and served.
    package var minimumAgeSeconds: Int64
    /// What is served although it is too young.
    package var waivers: [Waiver]
    /// What the cache may hold, in bytes; nil is as much as there is.
    package var cacheBytes: Int64?
    /// `host` or `host:port`: what those call the upstream who use the server as a mirror of it; nil is where its URL leads.
    package var namespace: String?
    /// Below which name the upstream has what is asked for by a name of one component; nil takes it as it is.
    package var shortNamePrefix: String?

    package init(url: String) {
        self.url = url
        user = nil
        sealedSecret = nil
        allowsPrivateAddresses = false
        isOffline = false
        include = []
        exclude = []
        freshSeconds = nil
        minimumAgeSeconds = 0
        waivers = []
        cacheBytes = nil
        namespace = nil
        shortNamePrefix = nil
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(url: try container.decode(String.self, forKey: .url))
        user = try container.decodeIfPresent(String.self, forKey: .user)
        sealedSecret = try container.decodeIfPresent(String.self, forKey: .sealedSecret)
        allowsPrivateAddresses = try container.decodeIfPresent(Bool.self, forKey: .allowsPrivateAddresses) ?? false
        isOffline = try container.decodeIfPresent(Bool.self, forKey: .isOffline) ?? false
        include = try container.decodeIfPresent([String].self, forKey: .include) ?? []
        exclude = try container.decodeIfPresent([String].self, forKey: .exclude) ?? []
        freshSeconds = try container.decodeIfPresent(Int64.self, forKey: .freshSeconds)
        minimumAgeSeconds = try container.decodeIfPresent(Int64.self, forKey: .minimumAgeSeconds) ?? 0
        waivers = try container.decodeIfPresent([Waiver].self, forKey: .waivers) ?? []
        cacheBytes = try container.decodeIfPresent(Int64.self, forKey: .cacheBytes)
        namespace = try container.decodeIfPresent(String.self, forKey: .namespace)
        shortNamePrefix = try container.decodeIfPresent(String.self, forKey: .shortNamePrefix)
    }

    /// Without its secret.
    package var shown: Self {
        var shown = self
        shown.sealedSecret = nil
        return shown
    }

    /// What those call the upstream who use the server as a mirror of it.
    package var mirroredHost: String {
        if let namespace { return namespace }
        let rest = url.firstRange(of: "://").map { url[$0.upperBound...] } ?? url[...]
        return rest.prefix { $0 != "/" }.lowercased()
    }

    /// The name by which the upstream has a package.
    package func fullName(_ package: PackageName) -> PackageName {
        guard let shortNamePrefix, !package.text.utf8.contains(UInt8(ascii: "/")) else { return package }
        return PackageName("\(shortNamePrefix)/\(package)") ?? package
    }

    /// Whether a name is one of those that are asked for. Takes only names that are not hidden by `exclude`.
    package func covers(_ name: String) -> Bool {
        let isMatched = { (pattern: String) in Pattern(pattern)?.matches(name) ?? false }
        return (include.isEmpty || include.contains(where: isMatched)) && !exclude.contains(where: isMatched)
    }
}

extension UpstreamSettings {
    /// The versions of a package that waivers let pass now.
    package func waived(_ package: String, at now: Timestamp) -> [Pattern] {
        waivers.filter { $0.until > now && $0.package.matches(package) }.map(\.versions)
    }
}

/// That versions are served although they are too young (an exception to a release-age gate), until when, and why.
package struct Waiver: Sendable, Equatable, Codable {
    package static let maximumCount = 200
    package static let maximumReasonBytes = 1000

    /// Unique within a repository.
    package let id: Int64
    package let package: Pattern
    package let versions: Pattern
    package let until: Timestamp
    /// For people, without control characters.
    package let reason: String
    /// Who decided it, and when.
    package let actor: String
    package let madeAt: Timestamp

    package init(
        id: Int64, package: Pattern, versions: Pattern, until: Timestamp, reason: String, actor: String,
        madeAt: Timestamp
    ) {
        self.id = id
        self.package = package
        self.versions = versions
        self.until = until
        self.reason = reason
        self.actor = actor
        self.madeAt = madeAt
    }
}

/// Which repositories a virtual repository is made of.
package struct MemberSettings: Sendable, Equatable, Codable {
    package static let maximumCount = 50
    package static let maximumPatterns = 200

    /// Repositories of the same format, by name; the first one that has something wins.
    package var order: [String]
    /// The member that takes what is published; nil takes nothing.
    package var deployment: String?
    /// Names that no upstream is asked for, whether or not a local member has them.
    package var reserved: [String]

    package init(order: [String] = [], deployment: String? = nil, reserved: [String] = []) {
        self.order = order
        self.deployment = deployment
        self.reserved = reserved
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        order = try container.decodeIfPresent([String].self, forKey: .order) ?? []
        deployment = try container.decodeIfPresent(String.self, forKey: .deployment)
        reserved = try container.decodeIfPresent([String].self, forKey: .reserved) ?? []
    }

    /// Whether a name belongs to the house.
    package func reserves(_ name: String) -> Bool { reserved.contains { Pattern($0)?.matches(name) ?? false } }
}
