package import HTTPTypes

extension HTTPField.Name {
    /// A field name that is written in the source. Text that is no token is a programmer's error.
    package init(known text: String) {
        guard let name = Self(text) else { preconditionFailure("'\(text)' is no field name") }
        self = name
    }
}
