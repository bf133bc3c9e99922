package import NIOCore

/// The system calls that blobs and backups are kept with. All block; callers of the blob store run on its pool.
///
/// What `synchronize` and `synchronizeDirectory` have answered for survives a power failure; everything else may.
package protocol FileSystem: Sendable {
    /// Opens a file. Throws when it is not there, or, with `.create`, when it is.
    func open(_ path: String, for access: FileAccess) throws(BlobStoreError) -> any File
    /// Whether there is something of this name.
    func exists(_ path: String) -> Bool
    /// Makes a directory and those above it. No error when it is there.
    func makeDirectory(_ path: String) throws(BlobStoreError)
    /// Waits until the entries of a directory are on the disk.
    func synchronizeDirectory(_ path: String) throws(BlobStoreError)
    /// Gives a file another name, in the place of what had it.
    func move(_ source: String, to target: String) throws(BlobStoreError)
    /// Removes a file. No error when there is none.
    func remove(_ path: String) throws(BlobStoreError)
    /// What a directory holds, in no order; nothing when it is not there.
    func entries(of path: String) throws(BlobStoreError) -> [FileEntry]
    /// Takes a lock, shared or not, that other processes see too, and that ends with the answer or with the process. Makes the
    /// file where it is missing. Nil when somebody else has the lock.
    func lock(_ path: String, exclusively isExclusive: Bool) throws(BlobStoreError) -> FileLock?
}

/// Holds a lock for as long as it lives.
package typealias FileLock = any AnyObject & Sendable

/// What a file is opened for.
package enum FileAccess: Sendable {
    case read, update, create
}

/// A name in a directory.
package struct FileEntry: Sendable, Equatable {
    package let name: String
    /// In bytes.
    package let size: Int64
    /// In seconds since 1970.
    package let modified: Int64

    package init(name: String, size: Int64, modified: Int64) {
        self.name = name
        self.size = size
        self.modified = modified
    }
}

/// An open file, which closes itself. All calls block.
package protocol File: AnyObject, Sendable {
    /// Bytes in the file.
    func size() throws(BlobStoreError) -> Int64
    /// Reads up to `count` bytes at `offset`; fewer only at the end of the file.
    func read(at offset: Int64, count: Int) throws(BlobStoreError) -> ByteBuffer
    /// Writes all of `bytes` at `offset`.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(BlobStoreError)
    /// Cuts the file to `size` bytes.
    func truncate(to size: Int64) throws(BlobStoreError)
    /// Waits until the file's bytes are on the disk.
    func synchronize() throws(BlobStoreError)

    /// What the system calls it, where it does; open for as long as this value is held.
    var descriptor: CInt? { get }
    /// Whether the byte at an offset can be read without waiting for the disk, as far as anybody can tell. Does not block.
    /// Throws when the file ends before it.
    func isInMemory(at offset: Int64) throws(BlobStoreError) -> Bool
    /// Has a range read ahead, and does not wait for it.
    func readAhead(_ range: Range<Int64>)
    /// Has the disk begin with a range that was written, and does not wait for it.
    func writeEarly(_ range: Range<Int64>)
}

extension File {
    package var descriptor: CInt? { nil }
    package func isInMemory(at offset: Int64) throws(BlobStoreError) -> Bool { true }
    package func readAhead(_ range: Range<Int64>) {}
    package func writeEarly(_ range: Range<Int64>) {}

    /// Writes all of `bytes` at the start.
    package func write(_ bytes: [UInt8]) throws(BlobStoreError) {
        let result = bytes.withUnsafeBytes { pointer in
            Result { () throws(BlobStoreError) in try write(pointer, at: 0) }
        }
        try result.get()
    }
}
