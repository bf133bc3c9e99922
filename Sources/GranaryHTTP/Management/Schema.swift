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

    case string(String, format: String? = nil, choices: [String]? = nil, length: ClosedRange<Int>? = nil)
    case integer(String, minimum: Int? = nil, maximum: Int? = nil)
    case boolean(String)
    case array(Schema)
    case object([Field])
    /// An object of any shape.
    case any(String)
    /// A schema by its name in the document.
    case named(String)

    var json: JSONValue {
        switch self {
        case .string(let description, let format, let choices, let length):
            var members: [String: JSONValue] = ["type": "string", "description": .string(description)]
            members["format"] = format.map(JSONValue.string)
            members["enum"] = choices.map { .array($0.map(JSONValue.string)) }
            members["minLength"] = length.map { .integer($0.lowerBound) }
            members["maxLength"] = length.map { .integer($0.upperBound) }
            return .object(members)
        case .integer(let description, let minimum, let maximum):
            var members: [String: JSONValue] = ["type": "integer", "description": .string(description)]
            members["minimum"] = minimum.map(JSONValue.integer)
            members["maximum"] = maximum.map(JSONValue.integer)
            return .object(members)
        case .boolean(let description):
            return .object(["type": "boolean", "description": .string(description)])
        case .array(let element):
            return .object(["type": "array", "items": element.json])
        case .object(let fields):
            return .object([
                "type": "object",
                "properties": .object(
                    Dictionary(uniqueKeysWithValues: fields.map { ($0.name, $0.schema.json) })),
                "required": .array(fields.filter(\.isRequired).map { .string($0.name) })
            ])
        case .any(let description):
            return .object([
                "type": "object", "description": .string(description), "additionalProperties": .boolean(true)
            ])
        case .named(let name):
            return .object(["$ref": .string("#/components/schemas/\(name)")])
        }
    }
}
