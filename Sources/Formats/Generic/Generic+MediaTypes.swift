import GranaryFormat
package import GranaryModel

extension MediaType {
    static let plainText = MediaType(checked: "text/plain; charset=utf-8")
    static let html = MediaType(checked: "text/html; charset=utf-8")
    static let problem = MediaType(checked: "application/problem+json")
    /// What Artifactory calls the answer to an upload.
    static let createdItem = MediaType(
        checked: "application/vnd.org.jfrog.artifactory.storage.ItemCreated+json")
}

extension Generic {
    /// By the longest extension of the name that the table has, else as declared, else bytes. Content is never looked
    /// at, so nothing turns into a page because of what it holds.
    package func mediaType(of name: String, declared: MediaType?) -> MediaType {
        let extensions = name.lowercased().split(separator: ".", omittingEmptySubsequences: false).dropFirst()
        for start in extensions.indices {
            let suffix = extensions[start...].joined(separator: ".")
            if let type = Self.typesByExtension[suffix] { return MediaType(checked: type) }
        }
        return declared ?? .octetStream
    }

    /// `inline` for what a browser shows without running it, `attachment` for all else (RFC 6266).
    package func contentDisposition(of name: String, _ type: MediaType) -> String {
        let fallback = name.unicodeScalars.map { scalar in
            switch scalar {
            case "\"", "\\": "\\\(scalar)"
            case " "..."~": "\(scalar)"
            default: "_"
            }
        }
        let plain = fallback.joined()
        let kind = Self.isInline(type) ? "inline" : "attachment"
        // Browsers decode percent-signs in the plain form, each in its own way.
        guard plain != name || name.utf8.contains(UInt8(ascii: "%")) else { return "\(kind); filename=\"\(plain)\"" }
        return "\(kind); filename=\"\(plain)\"; filename*=UTF-8''\(percentEncoded(name))"
    }

    private static func isInline(_ type: MediaType) -> Bool {
        let essence = type.essence
        guard essence != "text/plain", essence != "application/pdf" else { return true }
        let isMedia = ["image/", "audio/", "video/"].contains { essence.hasPrefix($0) }
        return isMedia && !essence.contains("xml")
    }

    private static let typesByExtension: [String: String] = [
        "7z": "application/x-7z-compressed", "apk": "application/vnd.android.package-archive",
        "avif": "image/avif", "bmp": "image/bmp", "br": "application/x-brotli", "bz2": "application/x-bzip2",
        "css": "text/css; charset=utf-8", "csv": "text/csv; charset=utf-8",
        "deb": "application/vnd.debian.binary-package", "flac": "audio/flac", "gif": "image/gif",
        "gz": "application/gzip", "htm": "text/html; charset=utf-8", "html": "text/html; charset=utf-8",
        "ico": "image/vnd.microsoft.icon", "iso": "application/x-iso9660-image", "jar": "application/java-archive",
        "jpeg": "image/jpeg", "jpg": "image/jpeg", "js": "text/javascript; charset=utf-8", "json": "application/json",
        "log": "text/plain; charset=utf-8", "md": "text/plain; charset=utf-8",
        "mjs": "text/javascript; charset=utf-8", "mp3": "audio/mpeg", "mp4": "video/mp4", "oga": "audio/ogg",
        "ogg": "audio/ogg", "ogv": "video/ogg", "pdf": "application/pdf", "pem": "application/x-pem-file",
        "png": "image/png", "pom": "application/xml", "rpm": "application/x-rpm", "svg": "image/svg+xml",
        "tar": "application/x-tar", "tar.bz2": "application/x-bzip2", "tar.gz": "application/gzip",
        "tar.xz": "application/x-xz", "tar.zst": "application/zstd", "tbz2": "application/x-bzip2",
        "tgz": "application/gzip", "toml": "application/toml", "txt": "text/plain; charset=utf-8",
        "txz": "application/x-xz", "wasm": "application/wasm", "wav": "audio/wav", "webm": "video/webm",
        "webp": "image/webp", "whl": "application/zip", "xhtml": "application/xhtml+xml", "xml": "application/xml",
        "xz": "application/x-xz", "yaml": "application/yaml", "yml": "application/yaml", "zip": "application/zip",
        "zst": "application/zstd"
    ]
}
