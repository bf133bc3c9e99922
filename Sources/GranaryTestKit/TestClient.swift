import AsyncHTTPClient
import FoundationEssentials
package import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOSSL

/// What a test sees of an answer.
package struct TestAnswer: Sendable {
    package let status: Int
    package let headers: HTTPFields
    package let body: [UInt8]

    package var text: String { String(decoding: body, as: UTF8.self) }

    /// The first field of a name.
    package subscript(name: String) -> String? { HTTPField.Name(name).flatMap { headers[$0] } }

    /// The body as JSON of a shape.
    package func json<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
        try JSONDecoder().decode(type, from: Data(body))
    }
}

extension TestServer {
    /// `Authorization` for a user name and a password or token.
    package static func basic(_ user: String, _ secret: String) -> String {
        "Basic " + Data("\(user):\(secret)".utf8).base64EncodedString()
    }

    /// Sends a request as the administrator; `authorization` nil sends none. Redirects are not followed.
    package func send(
        _ method: String, _ path: String, _ headers: [String: String] = [:], body: [UInt8]? = nil,
        authorization: String? = basic(administrator.user, administrator.password)
    ) async throws -> TestAnswer {
        try await Self.send(
            method, url: path.hasPrefix("http") ? path : origin + path, headers, body: body,
            authorization: authorization)
    }

    /// Sends a request to any server of the test.
    package static func send(
        _ method: String, url: String, _ headers: [String: String] = [:], body: [UInt8]? = nil, authorization: String?
    ) async throws -> TestAnswer {
        var request = HTTPClientRequest(url: url)
        request.method = HTTPMethod(rawValue: method)
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        if let authorization { request.headers.add(name: "Authorization", value: authorization) }
        if let body { request.body = .bytes(ByteBuffer(bytes: body)) }
        let response = try await HTTPClient.test.execute(request, timeout: .seconds(30))
        let bytes = try await response.body.collect(upTo: 256 << 20)
        var fields = HTTPFields()
        for (name, value) in response.headers {
            if let name = HTTPField.Name(name) { fields.append(HTTPField(name: name, value: value)) }
        }
        return TestAnswer(status: Int(response.status.code), headers: fields, body: [UInt8](bytes.readableBytesView))
    }
}

extension HTTPClient {
    /// One client for all tests; it takes certificates that nobody has signed.
    fileprivate static let test: HTTPClient = {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        // A server that is gone is told at once.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.tlsConfiguration = .clientDefault
        configuration.tlsConfiguration?.certificateVerification = .none
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()
}
