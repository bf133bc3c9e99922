/// An answer as far as the caller wanted it.
struct Answer: Sendable {
    /// What becomes of a body.
    enum Reading: Sendable {
        /// It is kept; at most 64 MiB.
        case keep
        /// It is taken off the connection and counted.
        case discard
        /// It is kept by its SHA-256 only.
        case hash
    }

    let status: Int
    let head: [UInt8]
    /// Bytes of the body.
    let length: Int
    /// Empty unless it was to be kept.
    let body: [UInt8]
    /// `sha256:…` of the body where that was wanted.
    let digest: String?
    /// When its first byte was there, the body's if it has one; by `Stopwatch.now`.
    let firstByteAt: UInt64
    /// Whether the server ends the connection after it.
    let closes: Bool

    /// A header field by its lower-case name.
    func field(_ name: StaticString) -> String? { head.withUnsafeBytes { AnswerHead.field(name, in: $0) } }

    /// For the person who has to find out why it came: the head and the beginning of the body.
    var quoted: String {
        String(decoding: head, as: UTF8.self) + String(decoding: body.prefix(2000), as: UTF8.self)
    }
}
