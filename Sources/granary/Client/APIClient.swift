import AsyncHTTPClient
import FoundationEssentials
import GranaryHTTP
import HTTPTypes
import NIOCore
import NIOHTTP1

/// Speaks to a server's management interface.
struct APIClient {
    static let timeout = TimeAmount.seconds(60)
    static let maximumAnswer = 64 << 20
    static let noAddress = Failure("a server's address begins with http:// or https://", .usage)

    /// Says at once that nobody listens, where the shared client would try again until the time is over.
    private static let http: HTTPClient = {
        var configuration = HTTPClient.Configuration.singletonConfiguration
        configuration.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()

    /// `scheme://authority`
    let server: String
    let authorization: String?

    init(server: String, authorization: String?) {
        self.server = server.hasSuffix("/") ? String(server.dropLast()) : server
        self.authorization = authorization
    }

    static func isAddress(_ text: String) -> Bool { text.hasPrefix("http://") || text.hasPrefix("https://") }

    static func basic(_ user: String, _ password: String) -> String {
        "Basic " + Data("\(user):\(password)".utf8).base64EncodedString()
    }

    func get<Answer: Decodable>(_ path: String, _ type: Answer.Type = Answer.self) async throws -> Answer {
        try decode(try await send(.GET, path, nil))
    }

    func post<Answer: Decodable>(_ path: String, _ body: some Encodable) async throws -> Answer {
        try decode(try await send(.POST, path, try JSONEncoder().encode(body)))
    }

    func patch<Answer: Decodable>(_ path: String, _ body: some Encodable) async throws -> Answer {
        try decode(try await send(.PATCH, path, try JSONEncoder().encode(body)))
    }

    func delete(_ path: String) async throws {
        _ = try await send(.DELETE, path, nil)
    }

    private func send(_ method: HTTPMethod, _ path: String, _ body: Data?) async throws -> Data {
        var request = HTTPClientRequest(url: "\(server)/api/v1\(path)")
        request.method = method
        if let authorization { request.headers.add(name: "Authorization", value: authorization) }
        if let body {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: body))
        }
        let status: Int
        let bytes: ByteBuffer
        do {
            let response = try await Self.http.execute(request, timeout: Self.timeout)
            status = Int(response.status.code)
            bytes = try await response.body.collect(upTo: Self.maximumAnswer)
        } catch {
            throw Failure("\(server) cannot be reached: \(oneLine(error))", .unreachable)
        }
        let data = Data(bytes.readableBytesView)
        guard (200..<300).contains(status) else { throw failure(status, data) }
        return data
    }

    private func failure(_ status: Int, _ data: Data) -> Failure {
        let detail = (try? JSONDecoder().decode(ProblemDetails.self, from: data))?.detail ?? "status \(status)"
        return switch status {
        case 401, 403: Failure(detail, .refused)
        case 404: Failure(detail, .notFound)
        case 409: Failure(detail, .conflict)
        default: Failure(detail, .failed)
        }
    }

    private func decode<Answer: Decodable>(_ data: Data) throws -> Answer {
        do {
            return try JSONDecoder().decode(Answer.self, from: data)
        } catch {
            throw Failure("\(server) gave an answer this version cannot read", .failed)
        }
    }
}
