import GranaryFormat
import GranaryModel
import HTTPTypes
import NIOCore

extension PyPI {
    /// The JSON document of a project, or of one of its releases, as programs read it that know no simple API in JSON.
    func document(
        of project: Project, _ version: PythonVersion?, _ head: RequestHead, _ access: some RepositoryAccess<Index>
    ) async throws(Problem) -> Reply {
        let page = try await page(of: project, access)
        let release = try chosen(version, of: page)
        let description = try await description(of: release, page, access)
        let base = head.origin + head.prefix
        var members: [(name: String, value: RawJSON)] = [
            ("info", info(of: release, description, project, base)), ("last_serial", RawJSON(Int64(0)))
        ]
        let files = Dictionary(grouping: page.files, by: \.version).mapValues { files in
            RawJSON(array: files.map { RawJSON($0, project, base) })
        }
        if version == nil {
            let releases = page.versions.compactMap { version in files[version].map { (name: version, value: $0) } }
            members.append(("releases", RawJSON(object: releases)))
        }
        members.append(("urls", files[release.version.name.text] ?? RawJSON(array: [])))
        members.append(("vulnerabilities", RawJSON(array: [])))
        members.append(("ownership", RawJSON(object: [("roles", RawJSON(array: [])), ("organization", .null)])))
        let document = Document(ByteBuffer(bytes: RawJSON(object: members).bytes))
        return Reply(document, .json, to: head, Self.documentHeaders)
    }

    /// The release that was asked for; else the newest that installers would choose.
    private func chosen(_ version: PythonVersion?, of page: ProjectPage) throws(Problem) -> ProjectPage.Release {
        let releases = page.releases.filter { version == nil || $0.number == version }
        func isWorse(_ left: ProjectPage.Release, _ right: ProjectPage.Release) -> Bool {
            if (left.yanked == nil) != (right.yanked == nil) { return left.yanked != nil }
            if left.number.isPrerelease != right.number.isPrerelease { return left.number.isPrerelease }
            return left.number < right.number
        }
        guard let release = releases.max(by: isWorse) else {
            throw .unknown(.version, "There is no version \(version?.text ?? "") of \(page.name).")
        }
        return release
    }

    /// What the metadata of the release's first file says at length.
    private func description(
        of release: ProjectPage.Release, _ page: ProjectPage, _ access: some RepositoryAccess<Index>
    ) async throws(Problem) -> String? {
        guard let package = PackageName(page.name),
            let file = page.files.first(where: { $0.version == release.version.name.text }),
            let path = FilePath(file.filename + Self.metadataSuffix),
            let stored = try? await access.file(.path(path), in: package)
        else { return nil }
        let blob = StagedBlob(checksums: stored.checksums, size: stored.size)
        return try await access.inspect(blob) { bytes in
            let content = try bytes.read(0..<min(bytes.size.bytes, Int64(CoreMetadata.maximumBytes)))
            return (try? CoreMetadata(content.readableBytesView))?.description
        }
    }

    private func info(
        of release: ProjectPage.Release, _ description: String?, _ project: Project, _ base: String
    ) -> RawJSON {
        let page = "\(base)simple/\(project.package)/"
        var members = (try? RawJSON(release.version.metadata.utf8))?.members ?? []
        members += [
            ("description", description.map { RawJSON($0) } ?? .null), ("project_url", RawJSON(page)),
            ("package_url", RawJSON(page)), ("release_url", RawJSON(page)), ("yanked", RawJSON(release.yanked != nil)),
            ("yanked_reason", release.yanked.map { RawJSON($0.reason) } ?? .null), ("docs_url", .null),
            ("bugtrack_url", .null),
            ("downloads", RawJSON(object: ["last_day", "last_month", "last_week"].map { ($0, RawJSON(Int64(-1))) }))
        ]
        return RawJSON(object: members)
    }
}

extension RawJSON {
    fileprivate init(_ file: ProjectPage.File, _ project: Project, _ base: String) {
        let text = { (value: String?) in value.map { RawJSON($0) } ?? .null }
        var digests: [(name: String, value: RawJSON)] = []
        for hash in file.hashes { digests.append((hash.name, RawJSON(hash.hex))) }
        let metadata: RawJSON =
            switch file.coreMetadata {
            case .none: RawJSON(false)
            case .present(let digest): digest.map { RawJSON(object: [("sha256", RawJSON($0))]) } ?? RawJSON(true)
            }
        // The older of the two times has neither fractions nor a zone.
        let seconds = file.uploadTime.map { String($0.prefix(19)) }
        self.init(object: [
            ("filename", RawJSON(file.filename)), ("url", RawJSON(file.url("\(base)packages/", project.package.text))),
            ("size", file.size.map { RawJSON($0) } ?? .null), ("packagetype", RawJSON(file.packageType)),
            ("python_version", RawJSON(file.pythonTag)), ("digests", RawJSON(object: digests)),
            ("md5_digest", text(file.digest("md5"))), ("requires_python", text(file.requiresPython)),
            ("upload_time", text(seconds)), ("upload_time_iso_8601", text(file.uploadTime)),
            ("yanked", RawJSON(file.yanked != nil)), ("yanked_reason", text(file.yanked?.reason)),
            ("comment_text", RawJSON("")), ("has_sig", RawJSON(false)), ("downloads", RawJSON(Int64(-1))),
            ("core-metadata", metadata)
        ])
    }
}
