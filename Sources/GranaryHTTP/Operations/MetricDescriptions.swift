/// What Prometheus is told of each metric beside its kind.
enum MetricDescriptions {
    static let all = [
        "granary_backup_last_success_timestamp_seconds": "The moment that the newest finished backup is of.",
        "granary_damaged_blobs_total": "Blobs found damaged or missing.",
        "granary_http_connections": "Open connections.",
        "granary_http_connections_closed_total": "Connections whose clients held them without using them.",
        "granary_http_refused_total": "Connections and requests beyond a limit.",
        "granary_http_request_duration_seconds": "From the head of a request to the last byte of its answer.",
        "granary_http_requests_total": "Requests that ended.",
        "granary_http_response_bytes_total": "Bytes of answers' bodies.",
        "granary_jobs_finished_total": "Jobs that ended, by what came of them.",
        "granary_jobs_running": "Jobs that run.",
        "granary_jobs_started_total": "Jobs that were begun.",
        "granary_log_lines_dropped_total": "Lines of the log that nobody took.",
        "granary_logins_failed_total": "Credentials that were wrong.",
        "granary_logins_refused_total": "Passwords that were not looked at.",
        "granary_sweep_last_duration_seconds": "How long the last sweep took.",
        "granary_sweep_last_run_timestamp_seconds": "When the last sweep ended.",
        "granary_upstream_conflicts_total": "Files of which an upstream says another digest than before.",
        "granary_upstream_fetches_total": "Questions to upstreams, by what came of them.",
        "granary_upstream_stale_total": "Answers from a cache that was older than it should be.",
        "granary_sweep_removed_blobs_total": "Blobs that sweeps have removed.",
        "granary_sweep_removed_bytes_total": "Bytes that sweeps have given back.",
        "granary_verified_blobs_total": "Blobs that were compared with their names.",
        "granary_verified_bytes_total": "Bytes that were compared with their names."
    ]
}
