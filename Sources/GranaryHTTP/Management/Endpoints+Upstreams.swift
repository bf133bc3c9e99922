import GranaryCore
import GranaryFormat
import GranaryModel
import HTTPTypes

extension ManagementInterface {
    static let upstreams: [Endpoint] = [
        Endpoint(
            method: .get, path: "/repositories/{name}/explanation", name: "explainPackage",
            summary: "Where requests for a package are answered from, and why",
            query: [
                .init(
                    name: "package",
                    schema: .printable("The package, such as team/api", limit: PackageName.maximumBytes),
                    isRequired: true)
            ],
            answer: .named("Explanation"), isOpen: true
        ) { call throws(Problem) in
            guard let package = call.query["package"] else { throw .invalid(.query, "'package' names the package") }
            return JSONAnswer(
                Wire.Explanation(try await call.management.explain(package, in: call["name"], for: call.caller)))
        },
        Endpoint(
            method: .get, path: "/repositories/{name}/waivers", name: "listWaivers",
            summary: "What is served of an upstream although it is too young", answer: .array(.named("Waiver"))
        ) { call throws(Problem) in
            JSONAnswer(try call.management.waivers(of: call["name"], for: call.caller))
        },
        Endpoint(
            method: .post, path: "/repositories/{name}/waivers", name: "createWaiver",
            summary: "Lets versions pass although they are too young", body: "NewWaiver", status: .created,
            answer: .named("Waiver")
        ) { call throws(Problem) in
            let new = try await call.body(Wire.NewWaiver.self)
            let made = try await call.management.waive(
                NewWaiver(
                    package: new.package,
                    versions: try call.parse(Pattern.self, .version, new.versions ?? Pattern.everything.text),
                    until: new.until, reason: new.reason),
                of: call["name"], by: call.caller)
            return JSONAnswer(made)
        },
        Endpoint(
            method: .delete, path: "/repositories/{name}/waivers/{id}", name: "deleteWaiver", summary: "Ends a waiver",
            status: .noContent
        ) { call throws(Problem) in
            guard let id = Int64(call["id"]) else { throw .unknown(.name, "a waiver's identifier is a number") }
            try await call.management.endWaiver(id, of: call["name"], by: call.caller)
            return .none
        }
    ]
}
