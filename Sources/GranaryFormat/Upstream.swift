package import GranaryModel
package import HTTPTypes
package import NIOCore

/// Where an upstream keeps something, and in which form it is asked for.
package struct UpstreamLocation: Sendable, Hashable {
    /// Relative to the upstream's URL, percent-encoded, without a slash at its beginning; or an absolute address.
    package let address: String
    /// What `Accept` says; empty for anything.
    package let accept: String

    package init(_ address: String, accept: String = "") {
        self.address = address
        self.accept = accept
    }
}

/// A document of an upstream that changes: an index.
package struct UpstreamDocument: Sendable {
    package let location: UpstreamLocation
    /// For how long it is taken as it is.
    package let lifetime: Duration
    /// Of its bytes.
    package let limit: ByteCount
    /// How many pages it may have. Where it has more than one, each a JSON value that leads to the next one by a `Link` field
    /// (RFC 8288), what is decoded is an array of them.
    package let maximumPages: Int
    /// Statuses by which the upstream says that it has no such document, beside 404 and 410.
    package let absences: Set<Int>

    package init(
        _ location: UpstreamLocation, lifetime: Duration, limit: ByteCount, maximumPages: Int = 1,
        absences: Set<Int> = []
    ) {
        self.location = location
        self.lifetime = lifetime
        self.limit = limit
        self.maximumPages = maximumPages
        self.absences = absences
    }
}

/// A file of an upstream, and what is known of it before it is fetched.
package struct UpstreamFile: Sendable {
    package let location: UpstreamLocation
    /// For how long it is taken as it is; nil for what never changes.
    package var lifetime: Duration?
    /// Digests that must match, in lower-case hexadecimal, by the name of their hash: `sha256` or an `ExtraHash`.
    package var expected: [String: String] = [:]
    /// The size that must match.
    package var size: ByteCount?
    /// Hashes that answers will need, beside SHA-256.
    package var hashes: Set<ExtraHash> = []
    /// A field in which the upstream may say the digest of what it has (`sha256:…`), also when it is asked by HEAD: what is still the
    /// same is then not fetched. Answers with such a file begin with its digest, so nothing is sent before it is known.
    package var digestField: HTTPField.Name?
    /// What it is served as; nil is what the upstream says.
    package var mediaType: MediaType?
    package var limit: ByteCount

    package init(_ location: UpstreamLocation, limit: ByteCount) {
        self.location = location
        self.limit = limit
    }
}

/// The rule that holds back what is too young (a release-age gate), or came after the moment that is read as of.
package struct ReleaseGate: Sendable {
    /// What was published after this moment is held back, and so is what nobody knows the moment of.
    package let cutoff: Timestamp
    /// How old it must be; nil of what came after the moment that is read as of.
    package let minimumAge: Duration?
    /// What passes nevertheless: those that have not expired.
    package let waivers: [Waiver]

    package init(cutoff: Timestamp, minimumAge: Duration?, waivers: [Waiver] = []) {
        self.cutoff = cutoff
        self.minimumAge = minimumAge
        self.waivers = waivers
    }

    /// Whether a version that was published at a moment is held back.
    package func holds(_ version: String, of package: PackageName, _ published: Timestamp?) -> Bool {
        if let published, published <= cutoff { return false }
        return !waivers.contains { $0.package.matches(package.text) && $0.versions.matches(version) }
    }

    /// Why something is refused, and what would satisfy the rule.
    package func refusal(_ what: String, _ published: Timestamp?) -> Problem {
        guard let minimumAge else { return .unknown(.file, "\(what) came after the moment that is read as of") }
        let age = "is held back until it has been out for \(minimumAge.components.seconds) seconds"
        guard let published else {
            return .denied("\(what) \(age), and nobody says since when it is; a waiver would let it pass")
        }
        return .denied("\(what) \(age), which is at \(published.adding(minimumAge)); a waiver would let it pass")
    }
}

/// A document as it came from an upstream.
package struct ReceivedDocument: Sendable {
    package let bytes: ByteBuffer
    /// As the upstream says, in lower case, without parameters.
    package let mediaType: String
    /// Where it came from, after redirects.
    package let source: String

    package init(bytes: ByteBuffer, mediaType: String, source: String) {
        self.bytes = bytes
        self.mediaType = mediaType
        self.source = source
    }
}

/// A file that is on its way from an upstream.
package struct ArrivingFile: Sendable {
    /// Nil where the upstream does not say.
    package let size: ByteCount?
    /// The bytes of a range, or all; nil is all of a file whose size is not known. It throws where the file turns out not to be
    /// what was asked for, and the last byte comes only once it is known to be.
    package let chunks: @Sendable (Range<Int64>?) -> any AsyncSequence<ByteBuffer, any Error> & Sendable

    package init(
        size: ByteCount?,
        chunks: @escaping @Sendable (Range<Int64>?) -> any AsyncSequence<ByteBuffer, any Error> & Sendable
    ) {
        self.size = size
        self.chunks = chunks
    }
}

/// A question about packages that is passed on to upstreams.
package struct UpstreamQuestion: Sendable {
    package let packages: [PackageName]
    /// Relative to the upstream's URL.
    package let address: String
    package let mediaType: MediaType
    /// Of an answer.
    package let limit: ByteCount
    /// The question about some of the packages.
    package let body: @Sendable ([PackageName]) -> ByteBuffer

    package init(
        _ packages: [PackageName], address: String, _ mediaType: MediaType, limit: ByteCount,
        body: @escaping @Sendable ([PackageName]) -> ByteBuffer
    ) {
        self.packages = packages
        self.address = address
        self.mediaType = mediaType
        self.limit = limit
        self.body = body
    }

    /// What an upstream says to a question.
    package struct Answer: Sendable {
        package let document: ReceivedDocument
        /// Those it was asked about.
        package let packages: [PackageName]

        package init(_ document: ReceivedDocument, about packages: [PackageName]) {
            self.document = document
            self.packages = packages
        }
    }

    /// The same about fewer packages.
    package func about(_ packages: [PackageName]) -> UpstreamQuestion {
        UpstreamQuestion(packages, address: address, mediaType, limit: limit, body: body)
    }
}
