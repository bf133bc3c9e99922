package import GranaryFormat
package import GranaryModel
import HTTPTypes

/// Python packages by the simple repository API (PEP 503, 691 and those that extend them) and the upload interface that
/// twine, uv and poetry speak.
///
/// A project is a package named by its normalized name, a release is a version named in the normal spelling of PEP 440, and
/// a distribution is a file at its file name, with its core metadata as another file at that name and `.metadata`.
package struct PyPI: PackageFormat {
    /// What a request asks for.
    package enum Call: Sendable {
        /// The same address in its one spelling, relative to the repository's.
        case redirect(String)
        case listProjects(SimpleForm)
        case project(Project, SimpleForm)
        case file(Project, FilePath)
        /// The JSON document of a project or of one release.
        case document(Project, PythonVersion?)
        /// A form with this boundary.
        case upload(boundary: String)
        case deleteFile(Project, FilePath)
        case deleteRelease(Project, PythonVersion)
        case yank(Project, PythonVersion)
        case unyank(Project, PythonVersion)
    }

    /// The longest distribution taken unless the composition root says otherwise.
    package static let standardMaximumFile = ByteCount.gibibytes(10)

    package let name = FormatName(checked: "pypi")
    package let mount = Mount("pypi")
    /// The longest distribution taken.
    package let maximumFile: ByteCount

    package init(maximumFile: ByteCount = PyPI.standardMaximumFile) { self.maximumFile = maximumFile }

    package func spelled(_ name: String) -> String { ProjectName.normalized(name) }

    package func perform(
        _ operation: Operation<Call>, _ request: FormatRequest, on access: some RepositoryAccess<Index>
    ) async throws(Problem) -> Reply {
        let head = request.head
        switch operation.call {
        case .redirect(let path):
            return Reply(.movedPermanently, [.location: head.prefix + path, .cacheControl: "no-cache"])
        case .listProjects(let form):
            return answer(with: Document(encode(try await projects(access), form), variant: form.rawValue), form, head)
        case .project(let project, let form):
            return answer(with: try await simplePage(of: project, form, access), form, head)
        case .file(let project, let path):
            return answer(operation, with: try await access.file(.path(path), in: project.package), head)
        case .document(let project, let version):
            return try await document(of: project, version, head, access)
        case .upload(let boundary):
            return try await upload(boundary: boundary, request, access)
        case .deleteFile(let project, let path):
            return try await delete(path, of: project, access)
        case .deleteRelease(let project, let version):
            let release = try await release(version, of: project, access)
            _ = try await access.retract(.version(project.package, release.version.name), if: .none)
            return Reply(.noContent)
        case .yank(let project, let version):
            let reason = try await yankReason(request)
            return try await mark(version, of: project, as: Yank(reason: reason), access)
        case .unyank(let project, let version):
            return try await mark(version, of: project, as: nil, access)
        }
    }

    package func file(of operation: Operation<Call>) -> (FileReference, PackageName)? {
        guard case .file(let project, let path) = operation.call else { return nil }
        return (.path(path), project.package)
    }

    package func answer(_ operation: Operation<Call>, with file: StoredFile, _ head: RequestHead) -> Reply {
        Reply(unchanging: file)
    }

    package func document(of operation: Operation<Call>, _ head: RequestHead) -> (Selection, variant: String)? {
        guard case .project(let project, let form) = operation.call else { return nil }
        return (.package(project.package), form.rawValue)
    }

    package func answer(_ operation: Operation<Call>, with document: Document, _ head: RequestHead) -> Reply {
        guard case .project(_, let form) = operation.call else {
            preconditionFailure("\(operation.name) is not answered with a document")
        }
        return answer(with: document, form, head)
    }

    private func answer(with document: Document, _ form: SimpleForm, _ head: RequestHead) -> Reply {
        var headers = Self.documentHeaders
        headers[.vary] = "Accept"
        return Reply(document, form.mediaType, to: head, headers)
    }

    /// A page is asked about each time, and does nothing in a browser.
    static let documentHeaders: HTTPFields = [
        .cacheControl: "no-cache", .xContentTypeOptions: "nosniff",
        .contentSecurityPolicy: "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ]

    // MARK: Reading

    /// The names of all projects that the caller may see.
    private func projects(_ access: some RepositoryAccess<Index>) async throws(Problem) -> [String] {
        var names: [String] = []
        var after: String?
        repeat {
            guard case .projects(let more, let next) = try await access.index(.packages, Page(after: after)) else {
                break
            }
            names += more
            after = next
        } while after != nil
        return names
    }

    /// Throws `.unknown(.package, …)` also for a project that has no file any more.
    func page(of project: Project, _ access: some RepositoryAccess<Index>) async throws(Problem) -> ProjectPage {
        try await access.index(.package(project.package), Page()).page(of: project)
    }

    /// Throws `.unknown(.version, …)` where the project has no such version, however that is spelled.
    func release(
        _ version: PythonVersion, of project: Project, _ access: some RepositoryAccess<Index>
    ) async throws(Problem) -> ProjectPage.Release {
        let page = try await page(of: project, access)
        guard let release = page.releases.first(where: { $0.number == version }) else {
            throw .unknown(.version, "There is no version \(version.text) of \(project.package).")
        }
        return release
    }

    /// The page of a project in one of its forms. Its addresses are relative, so that all who ask get the same bytes.
    private func simplePage(
        of project: Project, _ form: SimpleForm, _ access: some RepositoryAccess<Index>
    ) async throws(Problem) -> Document {
        try await access.document(.package(project.package), form.rawValue) { index throws(Problem) in
            encode(try index.page(of: project), form, files: "../../packages/")
        }
    }

    // MARK: Taking away

    private func delete(
        _ path: FilePath, of project: Project, _ access: some RepositoryAccess<Index>
    ) async throws(Problem) -> Reply {
        // In this order the page never names metadata that is not there.
        _ = try await access.retract(.file(project.package, path), if: .none)
        if let metadata = FilePath(path.text + Self.metadataSuffix) {
            do throws(Problem) {
                _ = try await access.retract(.file(project.package, metadata), if: .none)
            } catch {
                guard case .unknown = error else { throw error }
            }
        }
        return Reply(.noContent)
    }
}

extension PyPI.Index {
    /// Throws `.unknown(.package, …)` for a project that has no file any more.
    fileprivate func page(of project: Project) throws(Problem) -> ProjectPage {
        guard case .project(let page) = self, !page.files.isEmpty else {
            throw .unknown(.package, project.package.text)
        }
        return page
    }
}

/// A project with the package that it is.
package struct Project: Sendable, Hashable {
    package let name: ProjectName
    package let package: PackageName

    /// Throws `.invalid(.name, …)` for what is no name of a project.
    package init(_ text: some StringProtocol) throws(Problem) {
        guard let name = ProjectName(text), let package = PackageName(name.normalized) else {
            throw .invalid(
                .name,
                "The name of a project is at most \(ProjectName.maximumBytes) ASCII letters and digits with '-', '_' and '.' "
                    + "between them.")
        }
        self.name = name
        self.package = package
    }
}
