import Foundation
import GranaryTestKit
import Testing

extension ClientTests {
    @Suite("mvn")
    struct MavenArtifacts {
        @Test("Deploys a release with sources, documentation and a POM, and another project resolves it")
        func release() async throws {
            try await withLibs { server, sandbox in
                try sandbox.makeArtifact("lib", version: "1.0")
                try await sandbox.deploy("lib", "1.0", to: server).expectSuccess()
                let resolved = try await sandbox.resolve("lib:1.0", "lib:1.0:jar:sources", from: server)
                #expect(resolved["lib-1.0.jar"] == "lib 1.0 jar")
                #expect(resolved["lib-1.0-sources.jar"] == "lib 1.0 sources")
                let folder = "\(server.libs)/com/acme/lib"
                let javadoc = try await sandbox.curl("-u", server.credentials, "\(folder)/1.0/lib-1.0-javadoc.jar")
                #expect(javadoc.text == "lib 1.0 javadoc")
                let metadata = try await sandbox.curl("-u", server.credentials, "\(folder)/maven-metadata.xml")
                #expect(metadata.text.contains("<release>1.0</release>"))
            }
        }

        @Test("Deploys a project to where its POM says")
        func project() async throws {
            try await withLibs { server, sandbox in
                try sandbox.configureMaven(for: server)
                let address = "<repository><id>libs</id><url>\(server.libs)</url></repository>"
                let more = "<packaging>pom</packaging><distributionManagement>\(address)</distributionManagement>"
                for version in ["3", "3.1-SNAPSHOT"] {
                    try sandbox.writePOM("parent", version, more, to: "pom.xml")
                    try await sandbox.mvn("\(Sandbox.plugins)deploy-plugin:3.0.0:deploy").expectSuccess()
                }
                let metadata = try await sandbox.curl(
                    "-u", server.credentials, "\(server.libs)/com/acme/parent/maven-metadata.xml")
                #expect(metadata.text.contains("<latest>3.1-SNAPSHOT</latest>\n    <release>3</release>"))
            }
        }

        @Test("Does not replace a release, and may deploy the same again")
        func redeployment() async throws {
            try await withLibs { server, sandbox in
                try sandbox.makeArtifact("lib", version: "1.0")
                try await sandbox.deploy("lib", "1.0", to: server).expectSuccess()
                try await sandbox.deploy("lib", "1.0", to: server).expectSuccess()
                try sandbox.write("other bytes", to: "lib.jar")
                let refused = try await sandbox.deploy("lib", "1.0", to: server)
                #expect(!refused.hasSucceeded)
                #expect(refused.stdout.contains("409"), "\(refused)")
                let jar = try await sandbox.curl(
                    "-u", server.credentials, "\(server.libs)/com/acme/lib/1.0/lib-1.0.jar")
                #expect(jar.text == "lib 1.0 jar")
            }
        }

        @Test("Resolves the newest of a snapshot after every deployment")
        func snapshot() async throws {
            try await withLibs { server, sandbox in
                for (number, text) in ["first", "second"].enumerated() {
                    try sandbox.makeArtifact("snap", version: "2.0-SNAPSHOT")
                    try sandbox.write(text, to: "snap.jar")
                    try await sandbox.deploy("snap", "2.0-SNAPSHOT", to: server).expectSuccess()
                    let resolved = try await sandbox.resolve("snap:2.0-SNAPSHOT", from: server)
                    #expect(Array(resolved.values) == [text])
                    let metadata = try await sandbox.curl(
                        "-u", server.credentials, "\(server.libs)/com/acme/snap/2.0-SNAPSHOT/maven-metadata.xml")
                    #expect(metadata.text.contains("<buildNumber>\(number + 1)</buildNumber>"), "\(metadata.text)")
                }
            }
        }

        @Test("Resolves the newest version of a range")
        func range() async throws {
            try await withLibs { server, sandbox in
                for version in ["1.9", "1.10"] {
                    try sandbox.makeArtifact("lib", version: version)
                    try await sandbox.deploy("lib", version, to: server).expectSuccess()
                }
                let resolved = try await sandbox.resolve("lib:[1.0,2.0)", from: server)
                #expect(resolved == ["lib-1.10.jar": "lib 1.10 jar"])
            }
        }

        @Test("Verifies what it downloads where it is told to fail otherwise")
        func checksums() async throws {
            try await withLibs { server, sandbox in
                try sandbox.makeArtifact("lib", version: "1.0")
                let all = "-Daether.checksums.algorithms=SHA-512,SHA-256,SHA-1,MD5"
                let deployed = try await sandbox.deploy("lib", "1.0", to: server, all)
                try deployed.expectSuccess()
                #expect(!deployed.stdout.contains("WARN"), "\(deployed)")
                let resolved = try await sandbox.resolve("lib:1.0", from: server)
                #expect(resolved == ["lib-1.0.jar": "lib 1.0 jar"])
            }
        }

        @Test("Finds a plugin by its prefix")
        func pluginPrefix() async throws {
            try await withLibs { server, sandbox in
                try sandbox.makePlugin()
                try await sandbox.deploy("hello-maven-plugin", "1.0", to: server).expectSuccess()
                try sandbox.configureMaven(for: server)
                // There is no class in it, so it is found, and cannot run.
                let ran = try await sandbox.mvn("greet:hi")
                #expect(ran.stdout.contains("com.acme:hello-maven-plugin:1.0"), "\(ran)")
                #expect(!ran.stdout.contains("No plugin found for prefix"))
            }
        }

        @Test("Is refused with a wrong password, and reads without one only what is open to everybody")
        func refusal() async throws {
            try await withLibs { server, sandbox in
                try sandbox.makeArtifact("lib", version: "1.0")
                var wrong = server
                wrong.password = "wrong"
                let refused = try await sandbox.deploy("lib", "1.0", to: wrong)
                #expect(!refused.hasSucceeded && refused.stdout.contains("401"), "\(refused)")
                try await sandbox.deploy("lib", "1.0", to: server).expectSuccess()
                await #expect(throws: CommandFailure.self) { try await sandbox.resolve("lib:1.0", from: wrong) }
                wrong.password = ""
                await #expect(throws: CommandFailure.self) { try await sandbox.resolve("lib:1.0", from: wrong) }
                let opened = try await sandbox.curl(
                    "-u", server.credentials, "-X", "PATCH", "--json", #"{"anonymousRead": true}"#,
                    "\(server.url)/api/v1/repositories/libs")
                #expect(opened.status == 200)
                #expect(try await sandbox.resolve("lib:1.0", from: wrong) == ["lib-1.0.jar": "lib 1.0 jar"])
            }
        }

        private func withLibs(_ body: (Server, Sandbox) async throws -> Void) async throws {
            try await withServer { server, sandbox in
                let sandbox = sandbox.forMaven
                let made = try await sandbox.curl(
                    "-u", server.credentials, "--json", #"{"name": "libs", "format": "maven", "kind": "local"}"#,
                    "\(server.url)/api/v1/repositories")
                try #require(made.status == 201, "\(made.text)")
                try await body(server, sandbox)
            }
        }
    }
}

extension Program.Output {
    /// Maven tells of failures on its standard output, so all of it is in the failure.
    func expectSuccess() throws { _ = try orThrow() }
}

extension Server {
    /// Where the Maven repository `libs` is.
    var libs: String { "\(url)/maven/libs" }
}

extension Sandbox {
    /// With time for Maven, and with a home that it keeps to.
    var forMaven: Sandbox {
        var sandbox = self
        sandbox.limit = .seconds(240)
        // Java asks the system for the home folder, and not the environment.
        let home = folder.appending(path: "home").path
        sandbox.environment["MAVEN_OPTS"] = "-Duser.home=\(home) -Xmx256m -XX:TieredStopAtLevel=1"
        return sandbox
    }

    /// Plugins are of Debian's packages, so that nothing is asked of any other server.
    static let plugins = "org.apache.maven.plugins:maven-"

    /// Settings with Debian's repository in the place of Maven's own, and with the password of a server, if there is one.
    func configureMaven(for server: Server) throws {
        let user = "<username>admin</username><password>\(server.password)</password>"
        let login = server.password.isEmpty ? "" : "<server><id>libs</id>\(user)</server>"
        let debian = """
            <id>central</id><url>file:///usr/share/maven-repo</url>
            <releases><checksumPolicy>ignore</checksumPolicy></releases><snapshots><enabled>false</enabled></snapshots>
            """
        let libs = """
            <id>libs</id><url>\(server.libs)</url><releases><checksumPolicy>fail</checksumPolicy></releases>
            <snapshots><updatePolicy>always</updatePolicy><checksumPolicy>fail</checksumPolicy></snapshots>
            """
        let repositories = ["repository", "pluginRepository"].map { kind in
            let plural = kind.dropLast() + "ies"
            return "<\(plural)><\(kind)>\(debian)</\(kind)><\(kind)>\(libs)</\(kind)></\(plural)>"
        }
        try write(
            """
            <settings>
            <localRepository>\(path("local-repository"))</localRepository>
            <servers>\(login)</servers><pluginGroups><pluginGroup>com.acme</pluginGroup></pluginGroups>
            <profiles><profile><id>test</id>\(repositories.joined())</profile></profiles>
            <activeProfiles><activeProfile>test</activeProfile></activeProfiles>
            </settings>
            """, to: "settings.xml")
    }

    func mvn(_ arguments: String...) async throws -> Program.Output {
        try await attempt("mvn", ["-B", "-ntp", "-s", "settings.xml"] + arguments)
    }

    /// Files to deploy, of which each says what it is.
    func makeArtifact(_ name: String, version: String) throws {
        try write("\(name) \(version) jar", to: "\(name).jar")
        try write("\(name) \(version) sources", to: "\(name)-sources.jar")
        try write("\(name) \(version) javadoc", to: "\(name)-javadoc.jar")
        try writePOM(name, version, "", to: "\(name).pom")
    }

    fileprivate func makePlugin() throws {
        let name = "hello-maven-plugin"
        try makeArtifact(name, version: "1.0")
        try writePOM(name, "1.0", "<packaging>maven-plugin</packaging>", to: "\(name).pom")
        try write(
            """
            <plugin><name>Hello</name><groupId>com.acme</groupId><artifactId>\(name)</artifactId>
            <version>1.0</version><goalPrefix>greet</goalPrefix><mojos/><dependencies/></plugin>
            """, to: "META-INF/maven/plugin.xml")
        try FileManager.default.removeItem(atPath: path("\(name).jar"))
        let zip = Process()
        zip.executableURL = URL(filePath: "/usr/bin/env")
        zip.arguments = ["python3", "-m", "zipfile", "-c", path("\(name).jar"), path("META-INF")]
        try zip.run()
        zip.waitUntilExit()
        try #require(zip.terminationStatus == 0)
    }

    func writePOM(_ name: String, _ version: String, _ more: String, to path: String) throws {
        try write(
            """
            <project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
            <groupId>com.acme</groupId><artifactId>\(name)</artifactId><version>\(version)</version>\(more)</project>
            """, to: path)
    }

    /// Deploys what `makeArtifact` has made, whatever comes of it.
    func deploy(
        _ name: String, _ version: String, to server: Server, _ more: String...
    ) async throws -> Program.Output {
        try configureMaven(for: server)
        return try await attempt(
            "mvn",
            [
                "-B", "-ntp", "-s", "settings.xml", "\(Self.plugins)deploy-plugin:3.0.0:deploy-file",
                "-DrepositoryId=libs", "-Durl=\(server.libs)/", "-Dfile=\(name).jar", "-DpomFile=\(name).pom",
                "-Dversion=\(version)", "-Dsources=\(name)-sources.jar", "-Djavadoc=\(name)-javadoc.jar"
            ] + more)
    }

    /// What a new project gets that depends on these artifacts of `com.acme`, by the names of the files; nothing is remembered of
    /// other projects.
    @discardableResult
    func resolve(_ artifacts: String..., from server: Server) async throws -> [String: String] {
        try configureMaven(for: server)
        try? FileManager.default.removeItem(atPath: path("local-repository/com"))
        try? FileManager.default.removeItem(atPath: path("resolved"))
        let dependencies = artifacts.map { text in
            let parts = text.split(separator: ":")
            let classifier = parts.count > 3 ? "<classifier>\(parts[3])</classifier>" : ""
            return """
                <dependency><groupId>com.acme</groupId><artifactId>\(parts[0])</artifactId>
                <version>\(parts[1])</version>\(classifier)</dependency>
                """
        }
        try writePOM("app", "1", "<dependencies>\(dependencies.joined())</dependencies>", to: "pom.xml")
        try await mvn(
            "\(Self.plugins)dependency-plugin:3.5.0:copy-dependencies", "-DoutputDirectory=\(path("resolved"))"
        ).expectSuccess()
        var files: [String: String] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: path("resolved")) {
            files[name] = String(decoding: try read("resolved/\(name)"), as: UTF8.self)
        }
        return files
    }
}
