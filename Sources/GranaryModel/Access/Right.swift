/// What may be done in a repository. `admin` includes the settings of the repository; the four are independent.
package struct Rights: OptionSet, Sendable, Hashable {
    package let rawValue: Int
    package init(rawValue: Int) { self.rawValue = rawValue }

    package static let read = Rights(rawValue: 1)
    package static let write = Rights(rawValue: 2)
    package static let delete = Rights(rawValue: 4)
    package static let admin = Rights(rawValue: 8)
    package static let all: Rights = [.read, .write, .delete, .admin]

    private static let names: [(Rights, String)] = [
        (.read, "read"), (.write, "write"), (.delete, "delete"), (.admin, "admin")
    ]

    /// The names of the rights in it, in a fixed order.
    package var names: [String] { Self.names.filter { contains($0.0) }.map(\.1) }

    /// Answers nil for a name that is not `read`, `write`, `delete` or `admin`.
    package init?(name: some StringProtocol) {
        guard let entry = Self.names.first(where: { $0.1 == name }) else { return nil }
        self = entry.0
    }
}
