import GranaryFormat
import GranaryModel

/// What an upload session remembers beside its bytes, so that it outlives a restart.
struct UploadMemo: Codable {
    let repository: Int64
    let package: PackageName
    let actor: String
    let hashes: Set<ExtraHash>
    let limit: ByteCount
    let length: ByteCount?
    let note: String
}
