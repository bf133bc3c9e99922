#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif
package import GranaryPorts

/// The file system of the machine.
package struct POSIXFileSystem: FileSystem {
    package init() {}

    package func open(_ path: String, for access: FileAccess) throws(BlobStoreError) -> any File {
        try POSIXFile(opening: path, access.flags)
    }

    package func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    package func makeDirectory(_ path: String) throws(BlobStoreError) {
        if mkdir(path, 0o750) == 0 || errno == EEXIST { return }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
            throw .lastError("mkdir", path)
        }
        try makeDirectory(String(path[..<slash]))
        guard mkdir(path, 0o750) == 0 || errno == EEXIST else { throw .lastError("mkdir", path) }
    }

    package func synchronizeDirectory(_ path: String) throws(BlobStoreError) {
        try POSIXFile(opening: path, O_RDONLY | O_DIRECTORY).synchronize()
    }

    package func move(_ source: String, to target: String) throws(BlobStoreError) {
        guard rename(source, target) == 0 else { throw .lastError("rename", target) }
    }

    package func remove(_ path: String) throws(BlobStoreError) {
        guard unlink(path) == 0 || errno == ENOENT else { throw .lastError("unlink", path) }
    }

    package func lock(_ path: String, exclusively isExclusive: Bool) throws(BlobStoreError) -> FileLock? {
        let file = try POSIXFile(opening: path, O_RDWR | O_CREAT)
        if flock(file.number, (isExclusive ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0 { return file }
        guard errno == EWOULDBLOCK else { throw .lastError("flock", path) }
        return nil
    }

    package func entries(of path: String) throws(BlobStoreError) -> [FileEntry] {
        guard let directory = opendir(path) else {
            if errno == ENOENT { return [] }
            throw .lastError("opendir", path)
        }
        defer { closedir(directory) }
        var found: [FileEntry] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            var status = stat()
            guard name != ".", name != "..", stat("\(path)/\(name)", &status) == 0 else { continue }
            #if canImport(Darwin)
                let modified = Int64(status.st_mtimespec.tv_sec)
            #else
                let modified = Int64(status.st_mtim.tv_sec)
            #endif
            found.append(FileEntry(name: name, size: Int64(status.st_size), modified: modified))
        }
        return found
    }
}

extension FileAccess {
    fileprivate var flags: CInt {
        switch self {
        case .read: O_RDONLY
        case .update: O_RDWR
        case .create: O_RDWR | O_CREAT | O_EXCL
        }
    }
}
