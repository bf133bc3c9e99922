import ArgumentParser

/// The one executable: the server, and the command line that speaks to it.
@main
struct Granary: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "granary",
        abstract: "A universal artifact repository.",
        discussion: """
            Start a server:            granary serve
            Log in to it:              granary login http://127.0.0.1:8080 --user admin
            Make a repository:         granary repo create web --format oci
            Let somebody push to it:   granary grant add --user ann --repository web --rights read,write

            Exit codes: 0 done, 1 failed, 3 not found, 4 refused, 5 conflict, 6 server not reached, 64 wrong usage.
            """,
        version: BuildInfo.version,
        subcommands: [
            Serve.self, Login.self, Logout.self, Users.self, Tokens.self, Grants.self, Repositories.self,
            Explain.self, Waivers.self, CollectGarbage.self, CheckStorage.self, MakeBackup.self, RestoreBackup.self,
            Jobs.self,
            ShowConfiguration.self, ShowVersion.self
        ])
}

/// What this build is.
enum BuildInfo {
    static let version = "0.1.0"
}
