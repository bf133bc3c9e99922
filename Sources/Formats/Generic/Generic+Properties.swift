package import GranaryFormat
package import GranaryModel
import HTTPTypes

/// `key=value[,value…]` as a matrix parameter carries it: what to set on a write, what to ask for on a read.
package struct PropertyParameter: Sendable, Hashable {
    static let tooMany = Problem.invalid(.query, "a file carries at most \(Property.maximumCount) properties")
    private static let forbidden = Set(#")(}{][*+^$/~`\!@#%&<>;=,±§ "#.unicodeScalars)

    package let key: String
    package let values: [String]
    /// Whether a read wants the property to be there (`key+=value`), not only not to differ.
    package let isMandatory: Bool

    /// From its percent-encoded form; a comma separates values, a backslash takes its meaning from what follows it.
    package init(encoded: some BidirectionalCollection<UInt8>) throws(Problem) {
        let halves = encoded.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
        let isMandatory = halves[0].last == UInt8(ascii: "+")
        guard let key = percentDecoded(isMandatory ? halves[0].dropLast() : halves[0]),
            let value = percentDecoded(halves.count > 1 ? Array(halves[1]) : [])
        else { throw .invalid(.query, "a parameter is percent-encoded UTF-8") }
        try self.init(key: key, value: value, isMandatory: isMandatory)
    }

    /// From its decoded form, with escapes.
    init(decoded: [UInt8]) throws(Problem) {
        let halves = splitEscaped(decoded, at: [UInt8(ascii: "=")])
        try self.init(
            key: halves[0], value: Array(halves.dropFirst().joined(separator: [UInt8(ascii: "=")])), isMandatory: false)
    }

    private init(key: [UInt8], value: [UInt8], isMandatory: Bool) throws(Problem) {
        let values = splitEscaped(value, at: [UInt8(ascii: ",")]).map(unescaped)
        try self.init(key: unescaped(key), values: values, isMandatory: isMandatory)
    }

    /// One value, taken literally.
    init(key: String, value: String) throws(Problem) {
        try self.init(key: key, values: [value], isMandatory: false)
    }

    private init(key: String?, values: [String?], isMandatory: Bool) throws(Problem) {
        guard let key, !key.unicodeScalars.contains(where: Self.forbidden.contains) else {
            throw .invalid(.query, "the key of a property has no blanks and none of )(}{][*+^$/~`\\!@#%&<>;=,±§")
        }
        var checked: [String] = []
        for value in values {
            guard let value, Property(key, value) != nil else { throw Self.overLimit }
            checked.append(value)
        }
        self.key = key
        self.values = checked
        self.isMandatory = isMandatory
    }

    private static let overLimit = Problem.invalid(
        .query,
        """
        the key of a property is 1 to \(Property.maximumKeyBytes) bytes, its value at most \
        \(Property.maximumValueBytes), both UTF-8 without control characters
        """)

    /// What to set. Throws when it asks instead.
    var assigned: [Property] {
        get throws(Problem) {
            guard !isMandatory else { throw .invalid(.query, "'\(key)+' asks for a property and cannot set one") }
            return values.compactMap { Property(key, $0) }
        }
    }
}

extension [PropertyParameter] {
    /// Whether each key's property is absent, unless it is mandatory, or has one of the values asked for.
    package func accept(_ properties: [Property]) -> Bool {
        allSatisfy { parameter in
            let present = properties.filter { $0.key == parameter.key }.map(\.value)
            let wanted = filter { $0.key == parameter.key }.flatMap(\.values)
            return present.isEmpty ? !parameter.isMandatory : present.contains(where: wanted.contains)
        }
    }
}

extension [Property] {
    /// Without repetitions, in the order of first mention. Throws when there are more than a version may carry.
    func limited() throws(Problem) -> [Property] {
        var seen: Set<Property> = []
        let unique = filter { seen.insert($0).inserted }
        guard unique.count <= Property.maximumCount else { throw PropertyParameter.tooMany }
        return unique
    }
}

/// What matrix parameters and `X-Property-…` fields set; nil where there are none. The names of fields have no case, so
/// keys taken from them are in lower case, and each field is one value, whatever it holds.
func assignedProperties(_ parameters: [PropertyParameter], _ headers: HTTPFields) throws(Problem) -> [Property]? {
    let prefix = "x-property-"
    var properties: [Property] = []
    for parameter in parameters { properties += try parameter.assigned }
    for field in headers where field.name.canonicalName.hasPrefix(prefix) {
        let parameter = try PropertyParameter(
            key: String(field.name.canonicalName.dropFirst(prefix.count)), value: field.value)
        properties += try parameter.assigned
    }
    return properties.isEmpty ? nil : try properties.limited()
}

extension Generic {
    /// `k=v,v2;k2=v3`, as it comes decoded from the query; `|` separates like `;`.
    package func parseProperties(_ text: String) throws(Problem) -> [Property] {
        var properties: [Property] = []
        for piece in splitEscaped(Array(text.utf8), at: [UInt8(ascii: ";"), UInt8(ascii: "|")]) where !piece.isEmpty {
            properties += try PropertyParameter(decoded: piece).assigned
        }
        guard !properties.isEmpty else { throw .invalid(.query, "?properties= takes key=value;key=value") }
        return try properties.limited()
    }

    func propertyKeys(_ text: String) -> Set<String> {
        Set(splitEscaped(Array(text.utf8), at: [UInt8(ascii: ",")]).compactMap(unescaped).filter { !$0.isEmpty })
    }

    /// Throws `.unknown(.file, …)` unless the file's properties are as `parameters` want them.
    func require(
        _ parameters: [PropertyParameter], of address: FileAddress, on access: some RepositoryAccess<Index>
    ) async throws(Problem) {
        guard !parameters.isEmpty else { return }
        guard parameters.accept(try await properties(of: address, on: access)) else {
            throw .unknown(.file, "the file at \(address.text) has other properties than the address asks for")
        }
    }

    func readProperties(
        of address: FileAddress, keys: Set<String>, on access: some RepositoryAccess<Index>
    ) async throws(Problem) -> Reply {
        _ = try await access.file(.path(address.path), in: address.package)
        var document = PropertiesDocument(properties: [:])
        for property in try await properties(of: address, on: access) where keys.isEmpty || keys.contains(property.key)
        {
            document.properties[property.key, default: []].append(property.value)
        }
        return Reply(.ok, .json, text: jsonText(document), [.cacheControl: "no-cache"])
    }

    /// Publishes the file as it is with other properties, on condition that it still is what was read.
    func changeProperties(
        of address: FileAddress, dropping keys: Set<String>, adding added: [Property],
        on access: some RepositoryAccess<Index>
    ) async throws(Problem) -> Reply {
        let file = try await access.file(.path(address.path), in: address.package)
        let kept = try await properties(of: address, on: access).filter { !keys.contains($0.key) }
        let blob = StagedBlob(checksums: file.checksums, size: file.size)
        var draft = draft(of: blob, at: address, file.mediaType, try (kept + added).limited())
        draft.condition = .matches([file.checksums.sha256])
        do throws(Problem) {
            _ = try await access.publish(draft)
        } catch {
            guard case .preconditionFailed = error else { throw error }
            throw .conflict("\(address.text) was replaced meanwhile; try again")
        }
        return Reply(.noContent)
    }

    private func properties(
        of address: FileAddress, on access: some RepositoryAccess<Index>
    ) async throws(Problem) -> [Property] {
        let index = try await access.index(.version(address.package, address.version), Page(limit: 1))
        guard case .version(let version) = index else { return [] }
        return version?.properties ?? []
    }
}

private struct PropertiesDocument: Encodable {
    var properties: [String: [String]]
}

/// Splits at separators that no backslash stands before; escapes stay as they are.
private func splitEscaped(_ text: [UInt8], at separators: [UInt8]) -> [[UInt8]] {
    var pieces: [[UInt8]] = []
    var piece: [UInt8] = []
    var isEscaped = false
    for byte in text {
        if !isEscaped, separators.contains(byte) {
            pieces.append(piece)
            piece = []
        } else {
            piece.append(byte)
            isEscaped = !isEscaped && byte == UInt8(ascii: "\\")
        }
    }
    return pieces + [piece]
}

/// Without the backslashes that escape a separator or a backslash; nil unless it is UTF-8.
private func unescaped(_ text: [UInt8]) -> String? {
    var bytes: [UInt8] = []
    var index = 0
    while index < text.count {
        let escapes =
            text[index] == UInt8(ascii: "\\") && index + 1 < text.count && ",|=;\\".utf8.contains(text[index + 1])
        if escapes { index += 1 }
        bytes.append(text[index])
        index += 1
    }
    return String(validating: bytes, as: UTF8.self)
}
