import GranaryHTTP

extension JSONValue {
    /// The member that a path of names leads to.
    subscript(path: String...) -> JSONValue? {
        path.reduce(self as JSONValue?) { value, name in value?.members[name] }
    }

    var text: String? { if case .string(let text) = self { text } else { nil } }
    var integer: Int? { if case .integer(let integer) = self { integer } else { nil } }
    var elements: [JSONValue] { if case .array(let elements) = self { elements } else { [] } }
    var members: [String: JSONValue] { if case .object(let members) = self { members } else { [:] } }
}
