import Configuration
import FoundationEssentials
import SystemPackage
import Yams

/// The settings in force: defaults < file < environment < command line.
struct ServerConfiguration: Sendable {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// A setting as it came to be.
    struct Resolved: Sendable, Codable {
        let key: String
        let value: String
        /// `default`, the file's path, an environment variable, or `command line`.
        let source: String
    }

    /// A place settings come from.
    private struct Layer: Sendable {
        let name: @Sendable (Setting) -> String
        let reader: ConfigReader
    }

    /// Strongest first.
    private let layers: [Layer]

    /// `file` must exist when it is given; otherwise `granary.yaml` is read where there is one.
    init(flags: [String: Setting.Value], file: String?, environment: [String: String]) async throws {
        let path = file ?? environment["GRANARY_CONFIG"]
        let values = flags.map { (AbsoluteConfigKey(ConfigKey($0.key)), $0.value.configValue) }
        let provider: FileProvider<YAMLSnapshot>
        do {
            provider = try await FileProvider<YAMLSnapshot>(
                filePath: FilePath(path ?? "granary.yaml"), allowMissing: path == nil)
        } catch {
            throw Failure(
                description: "the configuration file '\(path ?? "granary.yaml")' cannot be read: \(oneLine(error))")
        }
        try Self.refuseUnknownSettings(in: path ?? "granary.yaml")
        layers = [
            Layer(
                name: { _ in "command line" },
                reader: ConfigReader(
                    provider: InMemoryProvider(values: Dictionary(uniqueKeysWithValues: values)))),
            Layer(
                name: { "GRANARY_" + $0.key.uppercased().replacing(".", with: "_") },
                reader: ConfigReader(
                    provider: EnvironmentVariablesProvider(environmentVariables: environment)
                        .prefixKeys(with: "granary"))),
            Layer(name: { _ in path ?? "granary.yaml" }, reader: ConfigReader(provider: provider))
        ]
    }

    /// A misspelt `tls.certificate` must not be a server without TLS.
    private static func refuseUnknownSettings(in path: String) throws {
        guard let data = FileManager.default.contents(atPath: path),
            let tree = try? Yams.load(yaml: String(decoding: data, as: UTF8.self))
        else { return }
        let known = Set(Setting.all.map(\.key)).union([""])
        for key in keys(of: tree, below: "") where !known.contains(key) {
            throw Failure(description: "there is no setting '\(key)' (\(path)); 'granary config' shows those there are")
        }
    }

    /// The keys of a tree of settings, their levels joined by dots.
    private static func keys(of tree: Any, below prefix: String) -> [String] {
        guard let members = tree as? [String: Any] else { return [prefix] }
        return members.sorted { $0.key < $1.key }.flatMap { name, value in
            keys(of: value, below: prefix.isEmpty ? name : "\(prefix).\(name)")
        }
    }

    func text(_ setting: Setting) throws -> String { try value(of: setting).value.description }

    /// Nil when it is empty.
    func optionalText(_ setting: Setting) throws -> String? {
        let text = try text(setting)
        return text.isEmpty ? nil : text
    }

    func number(_ setting: Setting, in range: ClosedRange<Int>) throws -> Int {
        guard case .number(let number) = try value(of: setting).value, range.contains(number) else {
            throw Failure(
                description: "\(setting.key) must be a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    func flag(_ setting: Setting) throws -> Bool {
        guard case .flag(let flag) = try value(of: setting).value else { return false }
        return flag
    }

    /// Every setting with its source; secrets are masked.
    func resolved() throws -> [Resolved] {
        try Setting.all.map { setting in
            let (value, source) = try value(of: setting)
            let text = value.description
            return Resolved(
                key: setting.key, value: setting.isSecret && !text.isEmpty ? "********" : text, source: source)
        }
    }

    private func value(of setting: Setting) throws -> (value: Setting.Value, source: String) {
        for layer in layers {
            if let value = try layer.reader.value(of: setting, in: layer.name(setting)) {
                return (value, layer.name(setting))
            }
        }
        return (setting.standard, "default")
    }
}

extension ConfigReader {
    /// Nil where the layer does not have it; throws when it has something of another kind.
    fileprivate func value(of setting: Setting, in source: String) throws -> Setting.Value? {
        let key = ConfigKey(setting.key)
        switch setting.standard {
        case .text:
            return string(forKey: key, isSecret: setting.isSecret).map(Setting.Value.text)
        case .number:
            if let number = int(forKey: key) { return .number(number) }
            try refuseText(key, setting, "a whole number", source)
        case .flag:
            if let flag = bool(forKey: key) { return .flag(flag) }
            try refuseText(key, setting, "true or false", source)
        }
        return nil
    }

    private func refuseText(_ key: ConfigKey, _ setting: Setting, _ kind: String, _ source: String) throws {
        guard string(forKey: key) != nil else { return }
        throw ServerConfiguration.Failure(description: "\(setting.key) must be \(kind) (\(source))")
    }
}

extension Setting.Value {
    fileprivate var configValue: ConfigValue {
        switch self {
        case .text(let text): ConfigValue(.string(text), isSecret: false)
        case .number(let number): ConfigValue(.int(number), isSecret: false)
        case .flag(let flag): ConfigValue(.bool(flag), isSecret: false)
        }
    }
}
