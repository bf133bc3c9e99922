/// A map of a bounded number of things that keeps those used lately.
///
/// It has two halves. What is added or found goes to the young one; when that is full, the old one is dropped and the young
/// one grows old. So everything stays for at least `capacity / 2` additions after its last use.
struct RecentMap<Key: Hashable, Value> {
    /// Each half holds half of it.
    let capacity: Int
    private var young: [Key: Value] = [:]
    private var old: [Key: Value] = [:]
    private var youngWeight = 0
    private let weigh: (Value) -> Int

    /// `weigh` says how much of the capacity a value takes.
    init(capacity: Int, weigh: @escaping (Value) -> Int = { _ in 1 }) {
        self.capacity = capacity
        self.weigh = weigh
    }

    /// The value of a key, which counts as its use.
    mutating func find(_ key: Key) -> Value? {
        if let value = young[key] { return value }
        guard let value = old.removeValue(forKey: key) else { return nil }
        insert(value, for: key)
        return value
    }

    /// Puts a value in the place of the key's last one.
    mutating func insert(_ value: Value, for key: Key) {
        remove(key)
        let weight = weigh(value)
        if youngWeight + weight > capacity / 2 {
            old = young
            young = [:]
            youngWeight = 0
        }
        young[key] = value
        youngWeight += weight
    }

    /// Forgets a key.
    mutating func remove(_ key: Key) {
        old[key] = nil
        if let value = young.removeValue(forKey: key) { youngWeight -= weigh(value) }
    }

    /// Forgets everything.
    mutating func removeAll() {
        (young, old, youngWeight) = ([:], [:], 0)
    }
}
