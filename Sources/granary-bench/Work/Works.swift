/// All work items, in the order in which they run.
struct Works {
    private typealias Entry = (name: String, make: (PayloadMaker, Scale) throws -> any Work)

    let scale: Scale

    /// Those of a list of names separated by commas; without one, all but the growth to a million versions, which takes
    /// minutes to set up.
    func works(only names: String?) throws -> [any Work] {
        let maker = try PayloadMaker(maximumSize: 1 << 30, run: Stopwatch.now)
        let entries = Self.entries
        guard let names else {
            return try entries.filter { $0.name != "growth-large" }.map { try $0.make(maker, scale) }
        }
        return try names.split(separator: ",").map { name in
            guard let entry = entries.first(where: { $0.name == name }) else {
                let known = entries.map(\.name).joined(separator: ", ")
                throw BenchFailure("there is no item '\(name)'; there are: \(known)")
            }
            return try entry.make(maker, scale)
        }
    }

    private static var entries: [Entry] {
        [
            ("pull", { try LargePull($0, $1) }), ("manifest", { try SmallReads.manifest($0, $1) }),
            ("manifest-login", { try SmallReads.manifestWithCredentials($0, $1) }),
            ("head", { try SmallReads.head($0, $1) }), ("small", { try SmallReads.blob($0, $1) }),
            ("push", { LargePush($0, $1) }), ("images", { ImagePush($0, $1) }),
            ("image-pulls", { try ImagePull($0, $1) }), ("tiny", { TinyImages($0, $1) }),
            ("mounts", { try Mounts($0, $1) }), ("tags", { TagPages($0, $1) }), ("catalog", { CatalogPages($1) }),
            ("delete", { try Deletion($0, $1) }), ("start", { StartAndMemory($0, $1) }),
            ("simple-index", { SimpleIndex($0, $1) }), ("wheels", { WheelUploads($0, $1) }),
            ("packument", { PackumentReads($1) }),
            ("pull-through", { PullThrough($0, $1) }),
            ("growth", { Growth("growth", $1([1_000, 100_000], quick: [1_000, 10_000]), $0, $1) }),
            ("growth-large", { Growth("growth-large", [1_000, 100_000, 1_000_000], $0, $1) })
        ]
    }
}
