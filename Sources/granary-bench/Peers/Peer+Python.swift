/// Where Python packages are on each server.
extension Peer {
    /// The repository in Granary.
    static let pythonRepository = "python"
    /// The index in devpi-server, which belongs to the user who is always there.
    static let devpiIndex = "/root/bench"

    /// Where the form with a package is posted to.
    var packageUploads: String {
        switch kind {
        case .devpi: "\(Self.devpiIndex)/"
        case .pypiserver: "/"
        case .granary, .registry, .nginx: "/pypi/\(Self.pythonRepository)/"
        }
    }

    /// The page of a project, whose name is normalized.
    func simplePage(_ project: String) -> String {
        switch kind {
        case .devpi: "\(Self.devpiIndex)/+simple/\(project)/"
        case .pypiserver: "/simple/\(project)/"
        case .granary, .registry, .nginx: "/pypi/\(Self.pythonRepository)/simple/\(project)/"
        }
    }
}
