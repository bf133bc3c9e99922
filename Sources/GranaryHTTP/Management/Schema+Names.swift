import GranaryModel

/// What the grammars of names look like in JSON Schema. It counts code points where the grammars count bytes, so a name close to
/// its limit may fit the one and not the other.
extension Schema {
    /// A name like that of a repository, a user or a format: what `isPathComponent` says.
    static func component(_ description: String, limit: Int) -> Schema {
        .string(description, length: 1...limit, pattern: #"^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*$"#)
    }

    static func repositoryName(_ description: String = RepositoryName.grammar) -> Schema {
        component(description, limit: RepositoryName.maximumLength)
    }

    static func userName(_ description: String) -> Schema {
        component(description, limit: UserName.maximumLength)
    }

    /// A name that may be of any characters but control characters, such as a pattern, a package or a tag.
    static func printable(_ description: String, limit: Int) -> Schema {
        .string(description, length: 1...limit, pattern: #"^[^\u0000-\u001F\u007F]+$"#)
    }

    /// A position in a list: a number that the server's own fits in.
    static func position(_ description: String) -> Schema {
        .integer(description, minimum: 0, maximum: Int(Int64.max))
    }

    /// A moment to come: of a year that it can be of, and that all calendars agree on.
    static func comingMoment(_ description: String) -> Schema {
        .string(description, format: "date-time", pattern: "^[2-9][0-9]{3}-")
    }

    /// Text for people, which must not steer a terminal either.
    static func showable(_ description: String, limit: Int, mayBeEmpty: Bool = false) -> Schema {
        .string(
            description, length: (mayBeEmpty ? 0 : 1)...limit,
            pattern: #"^[^\u0000-\u001F\u007F-\u009F]*$"#)
    }
}
