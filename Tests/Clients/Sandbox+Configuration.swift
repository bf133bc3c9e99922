import Foundation

extension Sandbox {
    /// Writes the configuration of the container clients: insecure access to one server, and nothing of the machine's.
    func configure(for server: Server) throws {
        try write("[[registry]]\nlocation = \"\(server.host)\"\ninsecure = true\n", to: "home/registries.conf")
        try write(#"{"default": [{"type": "insecureAcceptAnything"}]}"#, to: "home/.config/containers/policy.json")
        try write(
            """
            [storage]
            driver = "vfs"
            graphroot = "\(folder.path)/graph"
            runroot = "\(folder.path)/run/storage"
            """, to: "home/storage.conf")
        // runc works on every version of control groups. The limits are below what any machine has, because raising a
        // limit needs a capability that the tests may not have.
        try write(
            """
            [containers]
            netns = "host"
            default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
            [engine]
            runtime = "runc"
            cgroup_manager = "cgroupfs"
            events_logger = "file"
            tmp_dir = "\(folder.path)/run/libpod"
            """, to: "home/containers.conf")
    }

    /// Lets every client know a password, as if it had logged in.
    func logIn(to server: Server, user: String = "admin", password: String? = nil) throws {
        let secret = Data("\(user):\(password ?? server.password)".utf8).base64EncodedString()
        let file = #"{"auths": {"\#(server.host)": {"auth": "\#(secret)"}}}"#
        try write(file, to: "home/auth.json")
        try write(file, to: "home/.docker/config.json")
    }

    /// Takes all passwords back. The files stay, because some clients ask for them.
    func logOut() throws {
        try write("{}", to: "home/auth.json")
        try write("{}", to: "home/.docker/config.json")
    }
}
