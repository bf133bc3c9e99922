import FoundationEssentials
import GranaryFormat
import GranaryModel
import HTTPTypes

extension NPM {
    /// Of a publish without its tarball, and of every other document that is sent.
    static let maximumDocument = 32 << 20
    /// Of a readme that is kept, in bytes.
    static let maximumReadme = 64 << 10

    /// A publish has a tarball; without one, it says which versions are deprecated.
    func put(
        _ package: NodePackage, _ request: FormatRequest, _ access: some RepositoryAccess<Index>
    ) async throws(Problem) -> Reply {
        let body = PublishBody(request.body, limit: Self.maximumDocument)
        // Whether there is a tarball is known only at the end; without one, no bytes are staged, which nobody names.
        let terms = StagingTerms(limit: Self.maximumTarball, hashes: [.sha1, .sha512])
        let blob = try await access.stage(RequestBody(body), terms)
        guard body.hasTarball else { return try await deprecate(package, as: try body.document(), access) }
        let publish = try PublishDocument(try body.document(), of: package)
        try publish.check(blob)
        let tarball = try await access.inspect(blob) { try Tarball(reading: $0) }
        let manifest = try publish.manifest(agreeingWith: tarball, blob, publishedBy: access.caller.user)
        return try await publish.publish(manifest, blob, package, access)
    }
}

/// A version as it is sent to be published.
struct PublishDocument {
    let number: SemanticVersion
    let package: NodePackage
    private let sent: RawJSON
    private let tags: [String]
    private let length: Int64?

    /// Throws `.invalid` for what is no publish of one version of the package.
    init(_ document: RawJSON, of package: NodePackage) throws(Problem) {
        let name = package.name.text
        guard document["name"]?.string == name, document["_id"].map({ $0.string == name }) ?? true else {
            throw .invalid(.name, "the document is of another package than its address, which is '\(name)'")
        }
        guard let versions = document["versions"]?.members, versions.count == 1, let version = versions.first,
            let number = SemanticVersion(version.name),
            version.value["version"]?.string.flatMap(SemanticVersion.init) == number,
            version.value["name"]?.string == name
        else {
            throw .invalid(.version, "a publish has one version, whose name and number are the package's and its own")
        }
        let attachments = document["_attachments"]?.members ?? []
        let tarballs = attachments.filter { $0.name.hasSuffix(".tgz") }
        guard tarballs.count == 1, let tarball = tarballs.first, attachments.count == 1 else {
            throw .invalid(.content, "a publish has one attachment, the tarball; provenance is not taken yet")
        }
        self.package = package
        self.number = number
        sent = version.value
        length = tarball.value["length"]?.integer
        tags = document["dist-tags"]?.members?.filter { $0.value.string == version.name }.map(\.name) ?? []
    }

    /// Throws `.mismatch` when the tarball is not the one the manifest speaks of.
    func check(_ blob: StagedBlob) throws(Problem) {
        if let length, length != blob.size.bytes {
            throw .mismatch(expected: "\(length) bytes", actual: "\(blob.size.bytes) bytes")
        }
        if let shasum = sent["dist"]?["shasum"]?.string, let actual = blob.checksums.sha1, shasum.lowercased() != actual
        {
            throw .mismatch(expected: "sha1 \(shasum)", actual: "sha1 \(actual)")
        }
        let sums = (sent["dist"]?["integrity"]?.string ?? "").split(separator: " ").filter { $0.hasPrefix("sha512-") }
        guard let actual = blob.integrity, !sums.isEmpty else { return }
        guard sums.contains(where: { $0.prefix { $0 != "?" } == actual }) else {
            throw .mismatch(expected: String(sums[0]), actual: actual)
        }
    }

    /// The manifest that is kept: what was sent, but for what the tarball knows better.
    func manifest(
        agreeingWith tarball: Tarball, _ blob: StagedBlob, publishedBy user: UserName?
    ) throws(Problem) -> StoredManifest {
        try tarball.check(package, number)
        let replaced =
            Tarball.dependencyMembers + Tarball.termMembers
            + ["bin", "scripts", "hasInstallScript", "_hasShrinkwrap", "version", "_id", "dist"]
        // The paths and addresses of whoever packed it are nobody's business.
        let dropped: Set = ["_from", "_resolved", "_integrity", "_attachments", "deprecated", "readme", "_npmUser"]
        var members = (sent.members ?? []).filter { !replaced.contains($0.name) && !dropped.contains($0.name) }
        members += tarball.manifestMembers(sent: sent)
        members += [("version", RawJSON(number.core)), ("_id", RawJSON("\(package.name)@\(number.core)"))]
        if let user {
            members.append(("_npmUser", RawJSON(object: [("name", RawJSON(user.text)), ("email", RawJSON(""))])))
        }
        members.append(("dist", dist(tarball, blob)))
        let readme = sent["readme"]?.string.flatMap { text in
            text == "ERROR: No README data found!" || text.isEmpty ? nil : text
        }
        return StoredManifest(
            manifest: RawJSON(object: members),
            readme: readme.map { String(decoding: $0.utf8.prefix(NPM.maximumReadme), as: UTF8.self) })
    }

    private func dist(_ tarball: Tarball, _ blob: StagedBlob) -> RawJSON {
        RawJSON(object: [
            ("shasum", RawJSON(blob.checksums.sha1 ?? "")), ("integrity", RawJSON(blob.integrity ?? "")),
            ("fileCount", RawJSON(Int64(tarball.fileCount))), ("unpackedSize", RawJSON(tarball.unpackedSize))
        ])
    }

    func publish(
        _ manifest: StoredManifest, _ blob: StagedBlob, _ package: NodePackage,
        _ access: some RepositoryAccess<NPM.Index>
    ) async throws(Problem) -> Reply {
        guard let version = VersionName(number.core), let path = FilePath(package.tarball(of: number.core)) else {
            throw .invalid(.version, "a version has at most \(SemanticVersion.maximumBytes) bytes")
        }
        var draft = Draft(package: package.name)
        draft.version = Draft.Version(name: version, mediaType: .octetStream, metadata: manifest.text)
        guard manifest.text.utf8.count <= Draft.maximumMetadataBytes else {
            throw .tooLarge(ByteCount(Int64(Draft.maximumMetadataBytes)))
        }
        draft.files = [Draft.File(path: path, blob: blob, mediaType: .octetStream)]
        draft.isImmutable = true
        for tag in tags { draft.tags.append(try NPM().distTag(tag)) }
        // As on the public registry, a package always has a latest version.
        draft.initialTags = [try NPM().distTag(Packument.latestTag)]
        if !package.isNewName, try await !isKnown(package, access) {
            throw .invalid(.name, "a new package's name has no upper case and none of ~'!()*")
        }
        do throws(Problem) {
            _ = try await access.publish(draft)
        } catch .conflict(let reason) where reason.contains(path.text) {
            throw .conflict("You cannot publish over the previously published versions: \(number.core). (\(reason))")
        } catch {
            throw error
        }
        let answer = RawJSON(object: [("ok", RawJSON(true)), ("id", RawJSON(package.name.text))])
        return Reply(.created, .json, text: answer.text, .uncached)
    }

    /// Whether the package has a dist-tag, as one with a version has.
    private func isKnown(
        _ package: NodePackage, _ access: some RepositoryAccess<NPM.Index>
    ) async throws(Problem) -> Bool {
        do throws(Problem) {
            guard case .tags(let tags) = try await access.index(.tags(package.name), Page(limit: 1)) else {
                return false
            }
            return !tags.isEmpty
        } catch .unknown, .denied {
            // Who may write and not read still publishes; that the name is new, nobody can tell them.
            return false
        } catch {
            throw error
        }
    }
}

extension StagedBlob {
    /// As `dist.integrity` has it: `sha512-` and Base64.
    var integrity: String? {
        checksums.sha512.map { hex in
            let digits = Array(hex.utf8)
            let bytes = stride(from: 0, to: digits.count, by: 2).compactMap { index in
                UInt8(String(decoding: digits[index..<(index + 2)], as: UTF8.self), radix: 16)
            }
            return "sha512-\(Data(bytes).base64EncodedString())"
        }
    }
}
