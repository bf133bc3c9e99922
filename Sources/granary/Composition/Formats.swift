import FormatGeneric
import FormatHelm
import FormatMaven
import FormatNPM
import FormatOCI
import FormatPyPI
import GranaryFormat
import GranaryModel

/// The formats this binary serves, and the repositories a team starts with.
enum Formats {
    static let all: [any PackageFormat] = [OCI(), Generic(), NPM(), Maven(), PyPI(), Helm()]

    /// Made on the first start: name, format, and whether it takes the names no other repository has.
    static let starters: [(name: String, format: String, isDefault: Bool)] = [
        ("docker", "oci", true), ("files", "generic", false)
    ]
}
