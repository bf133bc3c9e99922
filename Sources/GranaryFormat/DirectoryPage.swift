import Crypto
import FoundationEssentials
package import GranaryModel
package import HTTPTypes

/// A directory's listing for people: a page without scripts, and without anything from elsewhere.
package struct DirectoryPage {
    private static let style = """
        :root{color-scheme:light dark}\
        body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem}\
        table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.25rem 1rem .25rem 0}\
        td+td,th+th{white-space:nowrap;width:1%}tr+tr{border-top:1px solid #8884}a{text-decoration:none}
        """

    /// Allows the one style sheet and nothing else.
    private static let policy: String = {
        let hash = Data(SHA256.hash(data: Data(style.utf8))).base64EncodedString()
        return """
            default-src 'none'; style-src 'sha256-\(hash)'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'
            """
    }()

    /// What the page is served with.
    package static var headers: HTTPFields {
        var headers: HTTPFields = [.cacheControl: "no-cache"]
        headers[named: "X-Content-Type-Options"] = "nosniff"
        headers[named: "Content-Security-Policy"] = policy
        headers[named: "X-Robots-Tag"] = "noindex"
        return headers
    }

    private let title: String
    private var rows = ""
    /// The query of the next page, as it is asked for; nil on the last.
    package var next: String?

    /// `isRoot` leaves out the way up.
    package init(title: String, isRoot: Bool) {
        self.title = escapedMarkup(title)
        if !isRoot { rows = "<tr><td><a href=\"../\">../</a></td><td></td><td></td></tr>\n" }
    }

    /// Adds a file, or a folder where there is none. Each name is encoded whole: one such as `javascript:x` is a path, and one
    /// with `;` has no parameters.
    package mutating func add(_ path: String, _ file: StoredFile?) {
        let slash = file == nil ? "/" : ""
        let href = percentEncoded(path, allowing: "/") + slash
        let link = "<a href=\"\(href)\"><bdi>\(escapedMarkup(path))</bdi>\(slash)</a>"
        let modified = file?.modified.description ?? ""
        rows += "<tr><td>\(link)</td><td>\(modified)</td><td>\(file?.size.description ?? "")</td></tr>\n"
    }

    package var text: String {
        let more = next.map { "<p><a href=\"?\(escapedMarkup($0))\">More</a></p>\n" }
        return """
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8"><meta name="robots" content="noindex">
            <meta name="viewport" content="width=device-width"><title>\(title)</title>
            <style>\(Self.style)</style></head><body><h1>\(title)</h1>
            <table><tr><th>Name</th><th>Modified</th><th>Size</th></tr>
            \(rows)</table>
            \(more ?? "")</body></html>

            """
    }
}

/// `text` as the content of an element or of a quoted attribute, in HTML and in XML.
package func escapedMarkup(_ text: String) -> String {
    var escaped = ""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "&": escaped += "&amp;"
        case "<": escaped += "&lt;"
        case ">": escaped += "&gt;"
        case "\"": escaped += "&quot;"
        case "'": escaped += "&#39;"
        default: escaped.unicodeScalars.append(scalar)
        }
    }
    return escaped
}
