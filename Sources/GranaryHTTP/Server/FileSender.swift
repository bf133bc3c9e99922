import NIOCore
import NIOHTTP1

/// A stretch of a file that is to go out as part of a body, as an outbound user event. Its promise succeeds once the kernel
/// has taken all of it, and until then the file must stay open.
struct FileStretch: Sendable {
    let file: NIOFileHandle
    /// In bytes from the start of the file; it must be there.
    let range: Range<Int64>
}

/// Has the kernel send stretches of files (`sendfile`), so that their bytes never come to this process. It stands between
/// the HTTP encoder and the codec of HTTP types, which knows of buffers only.
final class FileSender: ChannelOutboundHandler, RemovableChannelHandler {
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard let stretch = event as? FileStretch else {
            context.triggerUserOutboundEvent(event, promise: promise)
            return
        }
        let range = stretch.range
        let region = FileRegion(
            fileHandle: stretch.file, readerIndex: Int(range.lowerBound), endIndex: Int(range.upperBound))
        context.writeAndFlush(wrapOutboundOut(.body(.fileRegion(region))), promise: promise)
    }
}
