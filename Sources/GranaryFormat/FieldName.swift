package import HTTPTypes

extension HTTPField.Name {
    /// A field name that is written in the source. Text that is no token is a programmer's error.
    package init(known text: String) {
        guard let name = Self(text) else { preconditionFailure("'\(text)' is no field name") }
        self = name
    }
}

extension HTTPFields {
    /// The value of a field that has no constant of its own.
    package subscript(named name: String) -> String? {
        get { HTTPField.Name(name).flatMap { self[$0] } }
        set { if let name = HTTPField.Name(name) { self[name] = newValue } }
    }
}
