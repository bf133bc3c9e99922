import CSystemCalls
import NIOCore

/// Watches one connection where its bytes come in and go out, and ends it when its client holds it without using it.
///
/// What stands between this and the requests tells it where they begin and end. Time passes in ticks of all connections of
/// the loop, so that a request costs no call to the clock and no timer.
final class ConnectionWatch: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    private let watches: ConnectionWatches
    private let address: String
    private let connections: Connections
    /// Whether what goes out here is what a client reads, so that it can be told why it is cut off.
    private let isPlain: Bool
    private var context: ChannelHandlerContext?

    private var hasAsked = false
    private var openRequests = 0
    private var receiving = 0
    private var isClosing = false
    /// Whether the next bytes have been asked for: when not, it is the server who lets the client wait.
    private var isReading = false
    private var quietSince: NIODeadline
    private var lastRead: NIODeadline
    private var headSince: NIODeadline?
    private var stalled: (since: NIODeadline, acknowledged: UInt64)?

    /// The connection must have been taken; it is given back when it ends.
    init(_ connections: Connections, _ watches: ConnectionWatches, address: String, isPlain: Bool) {
        self.connections = connections
        self.watches = watches
        self.address = address
        self.isPlain = isPlain
        quietSince = watches.now
        lastRead = watches.now
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        watches.add(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        watches.remove(self)
        connections.giveBack(address)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        isReading = false
        lastRead = watches.now
        // HTTP/2 has a head timeout for its first request only: later bytes need not be of a request.
        if openRequests == 0, headSince == nil, isPlain || !hasAsked { headSince = watches.now }
        context.fireChannelRead(data)
    }

    func read(context: ChannelHandlerContext) {
        isReading = true
        context.read()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard event is ChannelShouldQuiesceEvent, isPlain else {
            context.fireUserInboundEventTriggered(event)
            return
        }
        isClosing = true
        if openRequests == 0 { context.close(promise: nil) }
    }

    // MARK: Requests

    /// The head of a request is complete.
    func requestBegan() {
        hasAsked = true
        openRequests += 1
        receiving += 1
        headSince = nil
    }

    /// A request is complete.
    func requestEnded() { receiving -= 1 }

    /// An answer has been written, the last bytes of which are about to be flushed.
    func answerEnded() {
        openRequests -= 1
        guard openRequests == 0 else { return }
        quietSince = watches.now
        guard isClosing, let context else { return }
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.eventLoop.execute { bound.value.close(promise: nil) }
    }

    /// A request was answered on the spot.
    func answered() {
        hasAsked = true
        headSince = nil
        quietSince = watches.now
    }

    /// Sends bytes past the encoder of answers. No other answer may be under way.
    func write(_ bytes: ByteBuffer) { context?.write(wrapOutboundOut(.byteBuffer(bytes)), promise: nil) }

    func flush() { context?.flush() }

    // MARK: Time

    /// Looks whether the client still does its part.
    func check(_ limits: Limits, _ metrics: LimitMetrics) {
        guard let context else { return }
        let now = watches.now
        if openRequests == 0 {
            if let headSince, now - headSince >= TimeAmount(limits.headTimeout) {
                if isPlain { write(ByteBuffer(string: Self.tooSlow)) }
                flush()
                cut(context, .slowHead, metrics)
            } else if now - quietSince >= TimeAmount(limits.idleTimeout) {
                cut(context, .idle, metrics)
            }
        } else if receiving > 0, isReading, now - lastRead >= TimeAmount(limits.idleTimeout) {
            cut(context, .stoppedBody, metrics)
        }
        checkReader(context, limits, metrics)
    }

    private static let tooSlow =
        "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

    /// What the client has not taken of its answer waits here, in memory or as a file that is open. It has to get less.
    private func checkReader(_ context: ChannelHandlerContext, _ limits: Limits, _ metrics: LimitMetrics) {
        let pending = (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
        guard pending > 0 else {
            stalled = nil
            return
        }
        guard let stalled else {
            self.stalled = (watches.now, acknowledged(context))
            return
        }
        guard watches.now - stalled.since >= TimeAmount(limits.stallTimeout) else { return }
        let taken = acknowledged(context)
        let due = Double(limits.minimumRate) * (limits.stallTimeout / .seconds(1))
        if Double(taken) - Double(stalled.acknowledged) < due {
            cut(context, .slowReader, metrics)
        } else {
            self.stalled = (watches.now, taken)
        }
    }

    /// The bytes that the client's system has taken; 0 where nobody knows, as of a connection that is just ending.
    private func acknowledged(_ context: ChannelHandlerContext) -> UInt64 {
        guard let provider = context.channel as? any SocketOptionProvider else { return 0 }
        let info: EventLoopFuture<granary_connection> = provider.unsafeGetSocketOption(
            level: .tcp, name: NIOBSDSocket.Option(rawValue: CInt(GRANARY_TCP_INFO)))
        var taken: UInt64 = 0
        info.assumeIsolated().whenSuccess { taken = $0.acknowledged }
        return taken
    }

    private func cut(_ context: ChannelHandlerContext, _ closing: LimitMetrics.Closing, _ metrics: LimitMetrics) {
        metrics.note(closing)
        context.close(promise: nil)
    }
}

/// The connections of one event loop, and their time. For its thread only.
final class ConnectionWatches {
    private let limits: Limits
    private let metrics: LimitMetrics
    private let loop: any EventLoop
    private var members: [ObjectIdentifier: ConnectionWatch] = [:]
    private var isTicking = false
    private var last = NIODeadline.now()

    init(limits: Limits, metrics: LimitMetrics, loop: any EventLoop) {
        self.limits = limits
        self.metrics = metrics
        self.loop = loop
    }

    /// As of the last tick.
    var now: NIODeadline {
        if !isTicking { last = .now() }
        return last
    }

    func add(_ member: ConnectionWatch) {
        members[ObjectIdentifier(member)] = member
        guard !isTicking else { return }
        last = .now()
        isTicking = true
        scheduleTick()
    }

    func remove(_ member: ConnectionWatch) { members[ObjectIdentifier(member)] = nil }

    private func scheduleTick() {
        loop.assumeIsolated().scheduleTask(in: TimeAmount(limits.tick)) { self.tick() }
    }

    /// There are none while there are no connections.
    private func tick() {
        last = .now()
        for member in Array(members.values) { member.check(limits, metrics) }
        isTicking = !members.isEmpty
        if isTicking { scheduleTick() }
    }
}
