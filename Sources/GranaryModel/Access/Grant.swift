/// Rights on the packages of the repositories that two patterns name.
package struct Grant: Sendable, Hashable {
    package let id: Int64
    /// Nil grants to everybody who has logged in.
    package let user: UserName?
    package let repository: Pattern
    package let package: Pattern
    package let rights: Rights

    package init(id: Int64, user: UserName?, repository: Pattern, package: Pattern, rights: Rights) {
        self.id = id
        self.user = user
        self.repository = repository
        self.package = package
        self.rights = rights
    }
}
