import GranaryFormat
import GranaryModel
import HTTPTypes
import NIOCore

@testable import FormatOCI

/// A request to an image repository at `/v2/docker/`.
func request(
    _ method: HTTPRequest.Method, _ path: String, prefix: String = "/v2/docker/", query: String = "",
    headers: HTTPFields = [:]
) -> RequestHead {
    RequestHead(
        method: method, prefix: prefix, path: path, query: Query(query), headers: headers,
        origin: "https://oci.example:8443")
}

/// What `parse` makes of a request: the call, or the refusal.
func parsed(_ head: RequestHead) -> Result<OCI.Call, Problem> {
    do throws(Problem) {
        return .success(try OCI().parse(head).call)
    } catch {
        return .failure(error)
    }
}

/// The status and code that `problem` is answered with.
func answer(
    _ problem: Problem, _ head: RequestHead, _ operation: GranaryFormat.Operation<OCI.Call>? = nil
) -> (status: Int, code: String, reply: Reply) {
    let reply = OCI().reply(to: problem, for: head, operation)
    guard case .bytes(let buffer) = reply.body else { return (reply.status.code, "", reply) }
    let code = String(buffer: buffer).split(separator: "\"code\":\"").dropFirst().first?.prefix { $0 != "\"" }
    return (reply.status.code, code.map(String.init) ?? "", reply)
}

enum Sample {
    static let hex = String(repeating: "a", count: 64)
    static let sha256 = "sha256:" + hex
    static let sha512 = "sha512:" + String(repeating: "b", count: 128)
    static let upload = String(repeating: "c", count: 32)

    /// A digest that differs with its number.
    static func digest(_ number: Int) -> String {
        let digits = String(number, radix: 16)
        return "sha256:" + String(repeating: "0", count: 64 - digits.count) + digits
    }
}
