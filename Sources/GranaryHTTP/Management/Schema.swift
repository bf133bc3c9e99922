import FoundationEssentials

/// The part of JSON Schema that the management interface describes itself with (OpenAPI 3.1).
indirect enum Schema: Sendable {
    struct Field: Sendable {
        let name: String
        let schema: Schema
        let isRequired: Bool

        static func required(_ name: String, _ schema: Schema) -> Field {
            Field(name: name, schema: schema, isRequired: true)
        }

        static func optional(_ name: String, _ schema: Schema) -> Field {
            Field(name: name, schema: schema, isRequired: false)
        }
    }

    /// A length is in Unicode code points; a pattern is a regular expression of ECMA-262.
    case string(
        String, format: String? = nil, choices: [String]? = nil, length: ClosedRange<Int>? = nil, pattern: String? = nil
    )
    case integer(String, minimum: Int? = nil, maximum: Int? = nil)
    case boolean(String)
    /// `minimum` is the least number of elements.
    case array(Schema, minimum: Int? = nil)
    case object([Field])
    /// An object in a request: it has these members and no others, and null is not a way to leave one out.
    case request([Field])
    /// An object of any shape.
    case any(String)
    /// A schema by its name in the document.
    case named(String)

    var json: JSONValue {
        switch self {
        case .string(let description, let format, let choices, let length, let pattern):
            var members: [String: JSONValue] = ["type": "string", "description": .string(description)]
            members["format"] = format.map(JSONValue.string)
            members["enum"] = choices.map { .array($0.map(JSONValue.string)) }
            members["minLength"] = length.map { .integer($0.lowerBound) }
            members["maxLength"] = length.map { .integer($0.upperBound) }
            members["pattern"] = pattern.map(JSONValue.string)
            return .object(members)
        case .integer(let description, let minimum, let maximum):
            var members: [String: JSONValue] = ["type": "integer", "description": .string(description)]
            members["minimum"] = minimum.map(JSONValue.integer)
            members["maximum"] = maximum.map(JSONValue.integer)
            return .object(members)
        case .boolean(let description):
            return .object(["type": "boolean", "description": .string(description)])
        case .array(let element, let minimum):
            var members: [String: JSONValue] = ["type": "array", "items": element.json]
            members["minItems"] = minimum.map(JSONValue.integer)
            return .object(members)
        case .object(let fields):
            return .object(Self.members(fields))
        case .request(let fields):
            var members = Self.members(fields)
            members["additionalProperties"] = .boolean(false)
            return .object(members)
        case .any(let description):
            return .object([
                "type": "object", "description": .string(description), "additionalProperties": .boolean(true)
            ])
        case .named(let name):
            return .object(["$ref": .string("#/components/schemas/\(name)")])
        }
    }

    private static func members(_ fields: [Field]) -> [String: JSONValue] {
        [
            "type": "object",
            "properties": .object(Dictionary(uniqueKeysWithValues: fields.map { ($0.name, $0.schema.json) })),
            "required": .array(fields.filter(\.isRequired).map { .string($0.name) })
        ]
    }
}

extension Schema {
    /// Why a request that could be decoded is not as described all the same: it has a member nobody knows, or a null. Nil where it
    /// is. `named` are the schemas of the document.
    ///
    /// A misspelt setting that is silently left out would be worse than a refusal.
    func fault(in value: JSONValue, among named: [String: Schema]) -> String? {
        switch (self, value) {
        case (.named(let name), _):
            return named[name]?.fault(in: value, among: named)
        case (.request(let fields), .object(let members)):
            for (name, member) in members.sorted(by: { $0.key < $1.key }) {
                guard let field = fields.first(where: { $0.name == name }) else {
                    return "there is no '\(name)'; there are: \(fields.map(\.name).joined(separator: ", "))"
                }
                if member == .null { return "'\(name)' is null; leave it out instead" }
                if let fault = field.schema.fault(in: member, among: named) { return fault }
            }
            return nil
        default:
            return nil
        }
    }
}
