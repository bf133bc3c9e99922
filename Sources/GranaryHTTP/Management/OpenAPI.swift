import GranaryModel

import HTTPTypes
/// The description of the management interface, made from the same table that serves it (OpenAPI 3.1).
enum OpenAPI {
    static func document(of endpoints: [Endpoint], _ schemas: [String: Schema], version: String) -> String {
        let paths = Dictionary(grouping: endpoints, by: { ManagementInterface.prefix + $0.path })
        let document: JSONValue = .object([
            "openapi": "3.1.0",
            "info": .object([
                "title": "Granary", "version": .string(version),
                "description": "Repositories, users, tokens, grants and the history of a Granary server.",
                "license": .object(["name": "Apache-2.0", "identifier": "Apache-2.0"])
            ]),
            "paths": .object(
                paths.mapValues { list in
                    .object(
                        Dictionary(
                            uniqueKeysWithValues: list.map { ($0.method.rawValue.lowercased(), operation($0)) }))
                }),
            "components": .object([
                "schemas": .object(schemas.mapValues(\.json)),
                "securitySchemes": .object([
                    "basic": .object(["type": "http", "scheme": "basic"]),
                    "token": .object(["type": "http", "scheme": "bearer"])
                ])
            ])
        ])
        return jsonText(document)
    }

    private static func operation(_ endpoint: Endpoint) -> JSONValue {
        var members: [String: JSONValue] = [
            "operationId": .string(endpoint.name), "summary": .string(endpoint.summary),
            "parameters": .array(pathParameters(endpoint) + endpoint.query.map { parameter($0, in: "query") }),
            "responses": .object(responses(endpoint))
        ]
        // An open endpoint shows more to somebody who is known.
        let nobody: [JSONValue] = endpoint.isOpen ? [.object([:])] : []
        members["security"] = .array(
            nobody + [.object(["basic": .array([])]), .object(["token": .array([])])])
        members["requestBody"] = endpoint.body.map { name in
            .object(["required": .boolean(true), "content": content("application/json", .named(name))])
        }
        return .object(members)
    }

    private static func pathParameters(_ endpoint: Endpoint) -> [JSONValue] {
        endpoint.path.split(separator: "/").filter { $0.hasPrefix("{") }.map { segment in
            let name = String(segment.dropFirst().dropLast())
            return parameter(
                Endpoint.Parameter(name: name, schema: .string("The \(name)"), isRequired: true), in: "path")
        }
    }

    private static func parameter(_ parameter: Endpoint.Parameter, in place: String) -> JSONValue {
        .object([
            "name": .string(parameter.name), "in": .string(place), "required": .boolean(parameter.isRequired),
            "schema": parameter.schema.json
        ])
    }

    private static func responses(_ endpoint: Endpoint) -> [String: JSONValue] {
        var success: [String: JSONValue] = ["description": .string(endpoint.status.reasonPhrase)]
        success["content"] = endpoint.answer.map { content("application/json", $0) }
        return [
            String(endpoint.status.code): .object(success),
            // A credential may be shown to every operation, and a wrong one too often.
            "429": .object([
                "description": "Too many wrong credentials, or requests at once", "content": problem,
                "headers": .object([
                    "Retry-After": .object([
                        "description": "Seconds after which to try again",
                        "schema": Schema.integer("Seconds", minimum: 1, maximum: 60).json
                    ])
                ])
            ]),
            "default": .object(["description": "A problem", "content": problem])
        ]
    }

    private static var problem: JSONValue { content("application/problem+json", .named("Problem")) }

    private static func content(_ mediaType: String, _ schema: Schema) -> JSONValue {
        .object([mediaType: .object(["schema": schema.json])])
    }
}
