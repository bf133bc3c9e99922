import Foundation
import GranaryTestKit
import Testing

extension ClientTests {
    @Suite("cosign")
    struct Cosign {
        /// cosign 2 keeps signatures under a tag, cosign 3 as referrers. Both forms must work, and either verifies the
        /// older one.
        struct Form: CustomTestStringConvertible {
            let testDescription: String
            let signer: String
            let options: [String]
            let verifiers: [String]
        }

        static let newer = "newer/usr/bin/cosign"
        static let older = "older/usr/bin/cosign"

        static let forms = [
            Form(
                testDescription: "under a tag", signer: older, options: ["--tlog-upload=false"],
                verifiers: [older, newer]),
            Form(
                testDescription: "as a referrer", signer: newer,
                options: ["--signing-config", "signing.json", "--trusted-root", "root.json"], verifiers: [newer])
        ]

        @Test("Signs, and verifies with the right key only", arguments: forms)
        func signature(_ form: Form) async throws {
            try await withServer { server, sandbox in
                let name = try await signedImage(form, server, sandbox)
                for verifier in form.verifiers {
                    let good = try await verify(name, with: verifier, key: "good.pub", sandbox)
                    #expect(good.hasSucceeded, "\(good.stderr)")
                    let bad = try await verify(name, with: verifier, key: "bad.pub", sandbox)
                    #expect(!bad.hasSucceeded)
                }
            }
        }

        @Test("A signature does not speak for another image", arguments: forms)
        func otherImage(_ form: Form) async throws {
            try await withServer { server, sandbox in
                _ = try await signedImage(form, server, sandbox)
                let other = try await sandbox.makeImage("other", "--seed", "other")
                try await sandbox.push(other, to: "\(server.host)/team/api:other")
                let unsigned = "\(server.host)/team/api@\(try other.digest())"
                for verifier in form.verifiers {
                    #expect(!(try await verify(unsigned, with: verifier, key: "good.pub", sandbox).hasSucceeded))
                }
            }
        }

        @Test("Stores each form where its readers look")
        func storage() async throws {
            try await withServer { server, sandbox in
                let name = try await signedImage(Self.forms[0], server, sandbox)
                let digest = try #require(name.split(separator: "@").last).replacing(":", with: "-")
                let repository = "\(server.host)/team/api"
                let tags = try await sandbox.run("oras", "repo", "tags", "--plain-http", repository).lines
                #expect(tags == ["\(digest).sig", "v1"])
                try await sign(name, Self.forms[1], sandbox)
                let types = try await sandbox.artifactTypes(attachedTo: name)
                #expect(types == ["application/vnd.dev.sigstore.bundle.v0.3+json"])
                #expect(try await sandbox.run("oras", "repo", "tags", "--plain-http", repository).lines == tags)
            }
        }

        private func signedImage(_ form: Form, _ server: Server, _ sandbox: Sandbox) async throws -> String {
            for key in ["bad", "good"] {
                try await sandbox.run(Self.newer, "generate-key-pair", "--output-key-prefix", key)
            }
            // Neither a transparency log nor a time-stamping authority, and nothing that would be fetched to trust.
            try await sandbox.run(Self.newer, "signing-config", "create", "--out", "signing.json")
            try await sandbox.run(Self.newer, "trusted-root", "create", "--out", "root.json")
            let image = try await sandbox.makeImage()
            try await sandbox.push(image, to: "\(server.host)/team/api:v1")
            let name = "\(server.host)/team/api@\(try image.digest())"
            try await sign(name, form, sandbox)
            return name
        }

        private func sign(_ name: String, _ form: Form, _ sandbox: Sandbox) async throws {
            try await sandbox.run(form.signer, ["sign", "--key", "good.key", "--yes"] + form.options + [name])
        }

        private func verify(
            _ name: String, with verifier: String, key: String, _ sandbox: Sandbox
        ) async throws -> Program.Output {
            let root = verifier == Self.newer ? ["--trusted-root", "root.json"] : []
            return try await sandbox.attempt(
                verifier, ["verify", "--key", key, "--insecure-ignore-tlog=true"] + root + [name])
        }
    }

    @Suite("notation")
    struct Notation {
        @Test("Signs and verifies by the referrers interface", arguments: ["jws", "cose"])
        func signature(_ format: String) async throws {
            try await withServer { server, sandbox in
                try await trustTestCertificate(sandbox)
                let image = try await sandbox.makeImage()
                try await sandbox.push(image, to: "\(server.host)/team/api:v1")
                let name = "\(server.host)/team/api@\(try image.digest())"
                #expect(!(try await sandbox.attempt("notation", "verify", "--insecure-registry", name).hasSucceeded))
                try await sandbox.run(
                    "notation", "sign", "--insecure-registry", "--force-referrers-tag=false", "--signature-format",
                    format,
                    name)
                try await sandbox.run("notation", "verify", "--insecure-registry", name)
                let types = try await sandbox.artifactTypes(attachedTo: name)
                #expect(types == ["application/vnd.cncf.notary.signature"])
            }
        }

        private func trustTestCertificate(_ sandbox: Sandbox) async throws {
            try await sandbox.run("notation", "cert", "generate-test", "--default", "test")
            try sandbox.write(
                """
                {"version": "1.0", "trustPolicies": [{
                    "name": "all", "registryScopes": ["*"], "signatureVerification": {"level": "strict"},
                    "trustStores": ["ca:test"], "trustedIdentities": ["*"]
                }]}
                """, to: "policy.json")
            try await sandbox.run("notation", "policy", "import", "policy.json")
        }
    }
}
