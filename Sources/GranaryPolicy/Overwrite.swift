package import GranaryModel

/// Whether a publish or a removal may touch what stands at a path or a tag.
package enum Overwrite {
    /// What a write comes to.
    package enum Verdict: Sendable, Equatable {
        case create
        case replace
        /// The same content is there already: nothing to do, and no error.
        case unchanged
        /// The text names the rule and what would satisfy it.
        case refused(String)
    }

    /// `existing` and `incoming` are content digests, or the versions a tag points to; nil when nothing stands there.
    package static func decide(
        _ what: String, existing: String?, incoming: String, policy: RepositorySettings.WritePolicy
    ) -> Verdict {
        if existing == incoming { return .unchanged }
        switch (policy, existing) {
        case (.deny, _):
            return .refused("the write policy of this repository is 'deny': \(what) cannot be written")
        case (.once, .some):
            return .refused("the write policy of this repository is 'once': \(what) exists and cannot be replaced")
        case (_, nil):
            return .create
        case (.allow, .some):
            return .replace
        }
    }

    /// Nil when properties may change, which they may where content may not be replaced: they are not part of it.
    package static func refusalToAnnotate(policy: RepositorySettings.WritePolicy) -> String? {
        switch policy {
        case .allow, .once: nil
        case .deny: "the write policy of this repository is 'deny': properties cannot be changed"
        }
    }

    /// Nil when removal is allowed.
    package static func refusalToRemove(_ what: String, policy: RepositorySettings.WritePolicy) -> String? {
        switch policy {
        case .allow: nil
        case .once, .deny:
            "the write policy of this repository is '\(policy.rawValue)': \(what) cannot be removed"
        }
    }
}
