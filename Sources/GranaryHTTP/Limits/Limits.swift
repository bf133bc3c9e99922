/// How much of the server its clients may take, all of them together and each address for itself.
package struct Limits: Sendable {
    /// Of what one address may have at most, so that it cannot keep all others out, and of what there is in all.
    package struct Share: Sendable {
        package var ofAddress: Int
        package var total: Int

        package init(ofAddress: Int, total: Int) {
            self.ofAddress = ofAddress
            self.total = total
        }

        /// `total` things, of which one address may have the larger part but never all.
        package init(total: Int) { self.init(ofAddress: max(1, total / 4 * 3), total: total) }
    }

    /// Open connections.
    package var connections = Share(total: 16_384)
    /// Requests without a body that are worked on. What is in memory is answered beside them, and sending an answer that
    /// is a file does not count.
    package var requests = Share(total: 1024)
    /// Requests that send a body.
    package var uploads = Share(total: 512)
    /// Answers that are a file, which is open meanwhile.
    package var downloads = Share(total: 4096)
    /// Requests that wait for one of the places above; what comes beyond is refused at once.
    package var waiting = 4096
    /// Longer than this no request waits for its place.
    package var patience: Duration = .seconds(10)
    /// The bytes that are read ahead of all uploads together. Each gets its share, within the bounds of `ReceiveBuffers`.
    package var receivedBytes = 64 << 20
    /// A connection on which nothing is asked for as long is closed, and so is one in the middle of a body that stops.
    package var idleTimeout: Duration = .seconds(75)
    /// From the first byte of a request's head to its last.
    package var headTimeout: Duration = .seconds(30)
    /// A client that takes less than `minimumRate` of its answer over as long is cut off.
    package var stallTimeout: Duration = .seconds(60)
    /// Of bodies in either direction, in bytes per second.
    package var minimumRate: Int64 = 512

    package init() {}

    /// How often connections are looked at: a timeout is late by an eighth at most.
    var tick: Duration {
        let shortest = min(idleTimeout, headTimeout, stallTimeout) / 8
        return min(max(shortest, .milliseconds(5)), .seconds(1))
    }
}
