import NIOCore
import FoundationEssentials
import GranaryCore
import GranaryFormat
import GranaryModel
import HTTPTypes

/// One operation of the management interface: how it is reached, how it is described, and the one call it makes.
struct Endpoint: Sendable {
    struct Parameter: Sendable {
        let name: String
        let schema: Schema
        var isRequired = false
    }

    let method: HTTPRequest.Method
    /// With `{name}` for what stands in the path.
    let path: String
    /// The operation's identifier: in the document, in logs, in metrics.
    let name: String
    let summary: String
    var query: [Parameter] = []
    /// The name of the body's schema.
    var body: String?
    var status: HTTPResponse.Status = .ok
    /// Nil answers no body.
    var answer: Schema?
    /// Whether anybody may call it without a credential.
    var isOpen = false
    let handle: @Sendable (ManagementCall) async throws(Problem) -> JSONAnswer
}

/// What an endpoint answers: a document, or nothing.
struct JSONAnswer: Sendable {
    let text: String?

    static let none = JSONAnswer(text: nil)

    init(text: String?) { self.text = text }

    init(_ value: some Encodable) { text = jsonText(value) }
}

/// A request to an endpoint, decoded as far as all endpoints have it in common.
struct ManagementCall: Sendable {
    /// A longer body is refused.
    static let maximumBody = ByteCount.mebibytes(1)

    let management: Management
    let caller: Principal
    let path: [String: String]
    let query: Query
    let request: IncomingRequest
    /// What the body is described as.
    let shape: Schema?
    /// The schemas of the document.
    let schemas: [String: Schema]

    /// What stands in the path at `{name}`.
    subscript(name: String) -> String { path[name] ?? "" }

    /// The body, which must be JSON of this shape and nothing beside it.
    func body<Value: Decodable>(_ type: Value.Type) async throws(Problem) -> Value {
        let bytes = try await request.body.collect(upTo: Self.maximumBody)
        let data = Data(bytes.readableBytesView)
        let value: Value
        do {
            value = try JSONDecoder().decode(type, from: data)
        } catch let error as DecodingError {
            throw .invalid(.content, error.sentence)
        } catch {
            throw .invalid(.content, "the body is no JSON")
        }
        if let sent = try? JSONDecoder().decode(JSONValue.self, from: data),
            let fault = shape?.fault(in: sent, among: schemas)
        {
            throw .invalid(.content, fault)
        }
        return value
    }

    /// A number of the query within `range`; `standard` when it is left out.
    func number(_ name: String, in range: ClosedRange<Int64>, standard: Int64) throws(Problem) -> Int64 {
        guard let text = query[name] else { return standard }
        guard let number = Int64(text), range.contains(number) else {
            throw .invalid(.query, "'\(name)' is a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// `text` as a name; throws a problem that says its grammar.
    func parse<Value: Name>(
        _ type: Value.Type, _ subject: Problem.Subject, _ text: String?
    ) throws(Problem) -> Value {
        guard let value = text.flatMap(Value.init) else { throw .invalid(subject, "must be \(Value.grammar)") }
        return value
    }

    /// As much of a repository as the caller may know.
    func shown(_ repository: Repository) -> Wire.Repository {
        Wire.Repository(management.shown(repository, to: caller))
    }
}

extension DecodingError {
    /// What is wrong, without the types of the program.
    fileprivate var sentence: String {
        switch self {
        case .keyNotFound(let key, _): "'\(key.stringValue)' is missing"
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            "'\(context.codingPath.map(\.stringValue).joined(separator: "."))' is of another type"
        case .dataCorrupted(let context) where !context.codingPath.isEmpty:
            "'\(context.codingPath.map(\.stringValue).joined(separator: "."))': \(context.debugDescription)"
        default: "the body is no JSON"
        }
    }
}
