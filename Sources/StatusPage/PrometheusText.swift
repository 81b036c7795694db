import JobStore

/// The queue in Prometheus' text format, version 0.0.4.
struct PrometheusText {
    private(set) var text = ""

    init(counts: [JobState: Int], running: [JobSummary], notices: Int, freeBytes: Int) {
        family("segmixd_jobs", "Jobs by state.", counts.sorted { $0.key.rawValue < $1.key.rawValue }.map { ([("state", $0.key.rawValue)], Double($0.value)) })
        family("segmixd_free_bytes", "Room on the disk of the state directory.", [([], Double(freeBytes))])
        family("segmixd_notices", "What waits and needs somebody's attention.", [([], Double(notices))])
        for (name, help, value) in Self.gauges {
            family("segmixd_job_\(name)", help, running.compactMap { job in value(job).map { ([("job", String(job.number)), ("name", job.name)], $0) } })
        }
    }

    private static let gauges: [(String, String, @Sendable (JobSummary) -> Double?)] = [
        ("step", "Step of the present phase of a running job.", { $0.progress?.step.map(Double.init) }),
        ("steps", "Steps of that phase in all.", { $0.progress?.total.map(Double.init) }),
        ("loss", "Loss of the last step.", { $0.progress?.loss }),
        ("seconds_per_step", "Seconds that a step takes.", { $0.progress?.secondsPerStep }),
    ]

    /// A gauge and its samples; whole numbers are written as such.
    private mutating func family(_ name: String, _ help: String, _ samples: [(labels: [(String, String)], value: Double)]) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) gauge\n"
        for (labels, value) in samples {
            let list = labels.map { "\($0)=\"\(Self.escaped($1))\"" }.joined(separator: ",")
            text += name + (list.isEmpty ? "" : "{\(list)}") + " \(Int(exactly: value).map(String.init) ?? String(value))\n"
        }
    }

    private static func escaped(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.flatMap { scalar -> [Unicode.Scalar] in
            switch scalar {
            case "\\": ["\\", "\\"]
            case "\"": ["\\", "\""]
            case "\n": ["\\", "n"]
            default: [scalar]
            }
        }))
    }
}
