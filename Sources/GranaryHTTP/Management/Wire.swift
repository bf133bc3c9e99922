import GranaryFormat
package import GranaryModel

// What the management interface sends and takes, and its description. The command line decodes the same types.

/// The interface's names for things that are sent.
package enum Wire {
    /// The answer to which version runs.
    package struct Version: Codable, Sendable {
        package let version: String
    }

    /// A repository as it stands.
    package struct Repository: Codable, Sendable {
        package let name: String
        package let format: String
        package let kind: RepositoryKind
        package let settings: RepositorySettings
        package let createdAt: Timestamp

        /// Of what may be shown of a repository.
        init(_ repository: GranaryModel.Repository) {
            name = repository.name.text
            format = repository.format.text
            kind = repository.kind
            settings = repository.settings
            createdAt = repository.createdAt
        }
    }

    /// What a repository is made from.
    package struct NewRepository: Codable, Sendable {
        package var name: String
        package var format: String
        package var kind: String
        package var settings: SettingsChange?

        package init(name: String, format: String, kind: String, settings: SettingsChange?) {
            self.name = name
            self.format = format
            self.kind = kind
            self.settings = settings
        }
    }

    /// What is left out stays as it is.
    package struct SettingsChange: Codable, Sendable {
        package var anonymousRead: Bool?
        package var isDefault: Bool?
        package var writePolicy: RepositorySettings.WritePolicy?
        package var sparseIndexes: Bool?
        package var description: String?
        package var upstream: UpstreamChange?
        package var members: MemberSettings?

        package init() {}

        func applied(
            to old: RepositorySettings, _ seal: (String) throws(Problem) -> String
        ) throws(Problem) -> RepositorySettings {
            RepositorySettings(
                anonymousRead: anonymousRead ?? old.anonymousRead, isDefault: isDefault ?? old.isDefault,
                writePolicy: writePolicy ?? old.writePolicy, sparseIndexes: sparseIndexes ?? old.sparseIndexes,
                description: description ?? old.description,
                upstream: try upstream?.applied(to: old.upstream, seal) ?? old.upstream,
                members: members ?? old.members)
        }
    }

    /// Of an upstream, what is left out stays as it is.
    package struct UpstreamChange: Codable, Sendable {
        package var url: String?
        package var user: String?
        /// Never shown again; empty takes the credential away.
        package var password: String?
        package var allowsPrivateAddresses: Bool?
        package var isOffline: Bool?
        package var include: [String]?
        package var exclude: [String]?
        package var freshSeconds: Int64?
        package var minimumAgeSeconds: Int64?
        package var cacheBytes: Int64?
        /// Empty is where the URL leads.
        package var namespace: String?
        /// Empty takes names as they are.
        package var shortNamePrefix: String?

        package init() {}

        func applied(
            to old: UpstreamSettings?, _ seal: (String) throws(Problem) -> String
        ) throws(Problem) -> UpstreamSettings {
            guard let address = url ?? old?.url else {
                throw .conflict("there is no upstream yet, and a new one has a URL")
            }
            var settings = old ?? UpstreamSettings(url: address)
            settings.url = address.hasSuffix("/") ? address : address + "/"
            // A secret is for the server it was given for.
            if let old, old.url != settings.url, password == nil { settings.sealedSecret = nil }
            if let user { settings.user = user.isEmpty ? nil : user }
            if let password { settings.sealedSecret = password.isEmpty ? nil : try seal(password) }
            settings.allowsPrivateAddresses = allowsPrivateAddresses ?? settings.allowsPrivateAddresses
            settings.isOffline = isOffline ?? settings.isOffline
            settings.include = include ?? settings.include
            settings.exclude = exclude ?? settings.exclude
            settings.freshSeconds = freshSeconds ?? settings.freshSeconds
            settings.minimumAgeSeconds = minimumAgeSeconds ?? settings.minimumAgeSeconds
            settings.cacheBytes = cacheBytes ?? settings.cacheBytes
            if let namespace { settings.namespace = namespace.isEmpty ? nil : namespace }
            if let shortNamePrefix { settings.shortNamePrefix = shortNamePrefix.isEmpty ? nil : shortNamePrefix }
            return settings
        }
    }

    /// A user, without any credential.
    package struct User: Codable, Sendable {
        package let name: String
        package let administrator: Bool
        package let disabled: Bool
        package let createdAt: Timestamp

        init(_ user: GranaryModel.User) {
            name = user.name.text
            administrator = user.isAdministrator
            disabled = user.isDisabled
            createdAt = user.createdAt
        }
    }

    /// What a user is made from.
    package struct NewUser: Codable, Sendable {
        package var name: String
        package var password: String?
        package var administrator: Bool?

        package init(name: String, password: String?, administrator: Bool?) {
            self.name = name
            self.password = password
            self.administrator = administrator
        }
    }

    /// What may be changed of a user; what is left out stays.
    package struct UserChange: Codable, Sendable {
        package var password: String?
        package var administrator: Bool?
        package var disabled: Bool?

        package init(password: String? = nil, administrator: Bool? = nil, disabled: Bool? = nil) {
            self.password = password
            self.administrator = administrator
            self.disabled = disabled
        }
    }

    /// An access token, without its secret but in the answer that makes it.
    package struct Token: Codable, Sendable {
        package let id: String
        package let user: String
        package let name: String
        package let createdAt: Timestamp
        package let expiresAt: Timestamp?
        package let lastUsedAt: Timestamp?
        package let revokedAt: Timestamp?
        /// Only in the answer that makes the token.
        package let secret: String?

        init(_ token: AccessToken, secret: String? = nil) {
            id = token.id
            user = token.user.text
            name = token.name
            createdAt = token.createdAt
            expiresAt = token.expiresAt
            lastUsedAt = token.lastUsedAt
            revokedAt = token.revokedAt
            self.secret = secret
        }
    }

    /// What an access token is made from.
    package struct NewToken: Codable, Sendable {
        package var name: String
        /// Nil is the caller.
        package var user: String?
        package var expiresAt: Timestamp?

        package init(name: String, user: String?, expiresAt: Timestamp?) {
            self.name = name
            self.user = user
            self.expiresAt = expiresAt
        }
    }

    /// A grant as it stands.
    package struct Grant: Codable, Sendable {
        package let id: Int64
        package let user: String?
        package let repository: String
        package let package: String
        package let rights: [String]

        init(_ grant: GranaryModel.Grant) {
            id = grant.id
            user = grant.user?.text
            repository = grant.repository.text
            package = grant.package.text
            rights = grant.rights.names
        }
    }

    /// What a grant is made from.
    package struct NewGrant: Codable, Sendable {
        package var user: String?
        package var repository: String
        package var package: String?
        package var rights: [String]

        package init(user: String?, repository: String, package: String?, rights: [String]) {
            self.user = user
            self.repository = repository
            self.package = package
            self.rights = rights
        }
    }

    /// One entry of the history.
    package struct Event: Codable, Sendable {
        package let sequence: Int64
        package let time: Timestamp
        package let actor: String
        package let verb: String
        package let repository: String?
        package let package: String?
        package let target: String
        package let before: JSONValue?
        package let after: JSONValue?

        init(_ event: GranaryModel.Event) {
            sequence = event.sequence.value
            time = event.time
            actor = event.actor
            verb = event.verb.rawValue
            repository = event.repository?.text
            package = event.package?.text
            target = event.target
            before = event.before.flatMap(JSONValue.init(text:))
            after = event.after.flatMap(JSONValue.init(text:))
        }
    }

    /// Entries of the history, oldest first.
    package struct EventPage: Codable, Sendable {
        package let events: [Event]
        /// What to ask `since` next.
        package let next: Int64
    }

    /// One interval of a tag.
    package struct TagChange: Codable, Sendable {
        package let tag: String
        package let version: String
        package let from: Int64
        package let until: Int64?
        package let movedAt: Timestamp
        package let actor: String
        package let endedBy: String?

        init(_ change: GranaryModel.TagChange) {
            endedBy = change.endedBy
            tag = change.tag.text
            version = change.version.text
            from = change.from.value
            until = change.until?.value
            movedAt = change.movedAt
            actor = change.actor
        }
    }
}
