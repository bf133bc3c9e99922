package import GranaryModel

/// Why the store did not do as asked. Whoever calls it says what that means to a client.
package enum StoreError: Error, Sendable, Equatable {
    /// The database was written by a newer server.
    case newerSchema
    case nameTaken(String)
    case unknown(String)
    /// A repository that still holds files.
    case notEmpty
}

/// Who makes a change, and when: the part of an event that is the same for every verb.
package struct Change: Sendable {
    package let actor: String
    package let time: Timestamp

    package init(actor: String, time: Timestamp) {
        self.actor = actor
        self.time = time
    }
}
