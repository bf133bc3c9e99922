import FoundationEssentials

/// A request without its body.
struct Request: Sendable {
    struct Field: Sendable {
        let name: String
        let value: String

        /// A user and a password, or what stands in its place.
        static func basic(_ user: String, _ password: String) -> Field {
            Field(name: "Authorization", value: "Basic \(Data("\(user):\(password)".utf8).base64EncodedString())")
        }
    }

    let method: String
    /// Path and query, as they are sent.
    let target: String
    let fields: [Field]

    init(_ method: String, _ target: String, _ fields: [Field] = []) {
        self.method = method
        self.target = target
        self.fields = fields
    }

    /// The head, as it goes to a server on this machine; `bodyLength` is nil for requests that have no body.
    func head(port: Int, bodyLength: Int? = nil) -> [UInt8] {
        var text = "\(method) \(target) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\n"
        for field in fields { text += "\(field.name): \(field.value)\r\n" }
        if let bodyLength { text += "Content-Length: \(bodyLength)\r\n" }
        return Array((text + "\r\n").utf8)
    }
}
