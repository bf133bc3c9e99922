import GranaryHTTP

/// Checks values against the part of JSON Schema that the management interface describes itself with.
struct SchemaValidator {
    /// `components/schemas` of the document.
    let named: [String: JSONValue]

    /// What is wrong with `value`, each with its place; nothing where it fits.
    func faults(of value: JSONValue, against schema: JSONValue, at place: String = "$") -> [String] {
        if let reference = schema["$ref"]?.text {
            let name = String(reference.split(separator: "/").last ?? "")
            guard reference.hasPrefix("#/components/schemas/"), let target = named[name] else {
                return ["\(place): \(reference) leads nowhere"]
            }
            return faults(of: value, against: target, at: place)
        }
        switch (schema["type"]?.text, value) {
        case ("string", .string(let text)): return faults(of: text, against: schema, at: place)
        case ("integer", .integer(let number)):
            let isLow = schema["minimum"]?.integer.map { number < $0 } ?? false
            let isHigh = schema["maximum"]?.integer.map { number > $0 } ?? false
            return isLow || isHigh ? ["\(place): \(number) is out of bounds"] : []
        case ("boolean", .boolean): return []
        case ("array", .array(let elements)):
            guard let item = schema["items"] else { return ["\(place): the schema says nothing of items"] }
            if let minimum = schema["minItems"]?.integer, elements.count < minimum { return ["\(place): too few"] }
            return elements.enumerated().flatMap { faults(of: $1, against: item, at: "\(place)[\($0)]") }
        case ("object", .object(let members)): return faults(of: members, against: schema, at: place)
        case (let type, _): return ["\(place): \(value) is no \(type ?? "known type")"]
        }
    }

    private func faults(of text: String, against schema: JSONValue, at place: String) -> [String] {
        var faults: [String] = []
        let choices = schema["enum"]?.elements ?? []
        if !choices.isEmpty, !choices.contains(.string(text)) { faults.append("\(place): '\(text)' is no choice") }
        let length = text.unicodeScalars.count
        if let minimum = schema["minLength"]?.integer, length < minimum { faults.append("\(place): too short") }
        if let maximum = schema["maxLength"]?.integer, length > maximum { faults.append("\(place): too long") }
        if let pattern = schema["pattern"]?.text, !fits(text, pattern) {
            faults.append("\(place): '\(text)' is not of the pattern")
        }
        if schema["format"]?.text == "date-time",
            text.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z/) == nil
        {
            faults.append("\(place): '\(text)' is no date-time")
        }
        return faults
    }

    private func fits(_ text: String, _ pattern: String) -> Bool {
        guard let expression = try? Regex(pattern).matchingSemantics(.unicodeScalar) else { return false }
        return text.firstMatch(of: expression) != nil
    }

    /// What is not described is a fault, too: the document is to say all there is.
    private func faults(of members: [String: JSONValue], against schema: JSONValue, at place: String) -> [String] {
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
