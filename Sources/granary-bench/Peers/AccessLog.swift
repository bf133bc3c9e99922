/// A server's log of its requests, in the combined format.
struct AccessLog {
    let text: String

    /// Bytes of all bodies that were sent in answer to `GET` of this path, in which a client may have written `%3A` for a
    /// colon.
    func bytesSent(_ path: String) -> Int {
        text.split(separator: "\n").reduce(0) { sum, line in
            let line = line.replacing("%3A", with: ":")
            guard let request = line.firstRange(of: "\"GET \(path) HTTP/1.1\" ") else { return sum }
            // Status, length, and what does not matter.
            let fields = line[request.upperBound...].split(separator: " ")
            guard fields.count >= 2, fields[0] == "200" || fields[0] == "206" else { return sum }
            return sum + (Int(fields[1]) ?? 0)
        }
    }
}
