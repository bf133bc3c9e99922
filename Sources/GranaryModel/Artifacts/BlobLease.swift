/// Keeps the bytes of a blob from being removed for as long as it lives: from when they are durable, or found, until a row
/// names them.
package final class BlobLease: Sendable {
    private let end: @Sendable () -> Void

    /// `end` is called once, when nobody holds the lease any more.
    package init(end: @escaping @Sendable () -> Void) { self.end = end }

    deinit { end() }
}
