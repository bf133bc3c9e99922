/// Any JSON, to be looked into.
enum JSONTree: Decodable, Sendable, Equatable {
    case null
    case boolean(Bool)
    case number(Double)
    case string(String)
    case array([JSONTree])
    case object([String: JSONTree])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .boolean(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([JSONTree].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: JSONTree].self))
        }
    }

    subscript(path: String...) -> JSONTree? {
        path.reduce(self as JSONTree?) { tree, key in
            guard case .object(let members) = tree else { return nil }
            return members[key]
        }
    }

    var text: String? { if case .string(let text) = self { text } else { nil } }
    var number: Int? { if case .number(let number) = self { Int(number) } else { nil } }
    var elements: [JSONTree] { if case .array(let elements) = self { elements } else { [] } }
    var members: [String: JSONTree] { if case .object(let members) = self { members } else { [:] } }
}

/// Checks values against the part of JSON Schema that the management interface describes itself with.
struct SchemaValidator {
    /// `components/schemas` of the document.
    let named: [String: JSONTree]

    /// What is wrong with `value`, each with its place; nothing where it fits.
    func faults(of value: JSONTree, against schema: JSONTree, at place: String = "$") -> [String] {
        if let reference = schema["$ref"]?.text {
            let name = String(reference.split(separator: "/").last ?? "")
            guard reference.hasPrefix("#/components/schemas/"), let target = named[name] else {
                return ["\(place): \(reference) leads nowhere"]
            }
            return faults(of: value, against: target, at: place)
        }
        switch (schema["type"]?.text, value) {
        case ("string", .string(let text)): return faults(of: text, against: schema, at: place)
        case ("integer", .number(let number)):
            guard number == number.rounded() else { return ["\(place): \(number) is no integer"] }
            let isLow = schema["minimum"]?.number.map { Int(number) < $0 } ?? false
            let isHigh = schema["maximum"]?.number.map { Int(number) > $0 } ?? false
            return isLow || isHigh ? ["\(place): \(number) is out of bounds"] : []
        case ("boolean", .boolean): return []
        case ("array", .array(let elements)):
            guard let item = schema["items"] else { return ["\(place): the schema says nothing of items"] }
            return elements.enumerated().flatMap { faults(of: $1, against: item, at: "\(place)[\($0)]") }
        case ("object", .object(let members)): return faults(of: members, against: schema, at: place)
        case (let type, _): return ["\(place): \(value) is no \(type ?? "known type")"]
        }
    }

    private func faults(of text: String, against schema: JSONTree, at place: String) -> [String] {
        var faults: [String] = []
        let choices = schema["enum"]?.elements ?? []
        if !choices.isEmpty, !choices.contains(.string(text)) { faults.append("\(place): '\(text)' is no choice") }
        if let minimum = schema["minLength"]?.number, text.count < minimum { faults.append("\(place): too short") }
        if let maximum = schema["maxLength"]?.number, text.count > maximum { faults.append("\(place): too long") }
        if schema["format"]?.text == "date-time",
            text.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z/) == nil
        {
            faults.append("\(place): '\(text)' is no date-time")
        }
        return faults
    }

    /// What is not described is a fault, too: the document is to say all there is.
    private func faults(of members: [String: JSONTree], against schema: JSONTree, at place: String) -> [String] {
        if schema["additionalProperties"] == .boolean(true) { return [] }
        let properties = schema["properties"]?.members ?? [:]
        let required = schema["required"]?.elements.compactMap(\.text) ?? []
        let missing = required.filter { members[$0] == nil }.map { "\(place).\($0) is missing" }
        return missing
            + members.flatMap { name, value in
                guard let property = properties[name] else { return ["\(place).\(name) is not described"] }
                return faults(of: value, against: property, at: "\(place).\(name)")
            }
    }
}
