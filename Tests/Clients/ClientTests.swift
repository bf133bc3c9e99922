import Testing

extension Tag {
    /// Starts programs, or moves much data.
    @Tag static var large: Self
}

/// Real clients against a real server. One after the other: each brings a server of its own, and some of them much data.
@Suite("Clients", .serialized, .tags(.large))
enum ClientTests {}
