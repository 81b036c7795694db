import Files
import Foundation
import Hummingbird
import JobStore
import Jobs

/// What is served where.
struct StatusRouter: Sendable {
    let configuration: Jobs.Configuration
    let store: JobStore
    let files: JobFiles

    static func make(configuration: Jobs.Configuration, store: JobStore, token: String, host: String) -> Router<BasicRequestContext> {
        let status = StatusRouter(configuration: configuration, store: store, files: JobFiles(configuration))
        let router = Router()
        router.add(middleware: GuardMiddleware(token: token, host: host))
        for path in ["/", "/jobs/:number"] { router.get(RouterPath(path)) { _, _ in status.page() } }
        router.get("/metrics") { _, _ in try status.metrics() }
        let api = router.group("/api/v1")
        api.get("/status") { _, _ in try status.json(status.overview()) }
        api.get("/jobs") { request, _ in
            let ended = request.uri.queryParameters.get("ended", as: Int.self) ?? 100
            return try status.json(store.summaries(ended: max(0, min(ended, 100_000))), unlessMatching: request.headers[.ifNoneMatch])
        }
        api.get("/jobs/:number") { _, context in try status.json(status.details(context)) }
        api.get("/jobs/:number/loss") { _, context in try status.json(status.loss(context)) }
        api.get("/jobs/:number/log") { _, context in try status.log(context) }
        api.get("/jobs/:number/files/**") { request, context in try await status.file(request, context) }
        api.post("/jobs/:number/cancel") { _, context in try status.json(["state": status.attempt { try store.cancel(status.number(context), daemonRuns: true) }]) }
        api.post("/jobs/:number/retry") { _, context in try status.json(["state": status.attempt { try store.retry(status.number(context)) }]) }
        api.put("/jobs/:number/priority") { request, context in
            struct Wanted: Decodable { let priority: Int }
            let body = try await request.body.collect(upTo: 4096)
            guard let wanted = try? JSONDecoder().decode(Wanted.self, from: Data(buffer: body)), (-1000...1000).contains(wanted.priority) else {
                throw HTTPError(.badRequest, message: "What is wanted is {\"priority\": N} with N from -1000 to 1000.")
            }
            try status.attempt { try store.setPriority(status.number(context), wanted.priority) }
            return try status.json(["priority": wanted.priority])
        }
        return router
    }

    // MARK: - Answers

    private func page() -> Response {
        Response(status: .ok, headers: [.contentType: "text/html; charset=utf-8", .cacheControl: "no-cache"], body: .init(byteBuffer: .init(bytes: PackageResources.page_html)))
    }

    /// - Parameter tag: what the asker has; where it is the same, it is not sent again.
    private func json(_ value: some Encodable, unlessMatching tag: String? = nil) throws -> Response {
        let encoder = JSONEncoder()
        encoder.dateEncodingStrategy = .iso8601
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let data = try encoder.encode(value)
        // FNV-1a over the bytes.
        let hash = data.reduce(into: UInt64(0xCBF2_9CE4_8422_2325)) { $0 = ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        let own = "\"\(String(hash, radix: 16))\""
        if tag == own { return Response(status: .notModified, headers: [.eTag: own]) }
        return Response(
            status: .ok, headers: [.contentType: "application/json", .cacheControl: "no-cache", .eTag: own], body: .init(byteBuffer: .init(bytes: data)))
    }

    private func number(_ context: BasicRequestContext) throws -> Int64 {
        guard let number = context.parameters.get("number", as: Int64.self) else { throw HTTPError(.notFound, message: "A job has a number.") }
        return number
    }

    private func job(_ context: BasicRequestContext) throws -> (record: JobRecord, run: Int) {
        let number = try number(context)
        guard let job = try store.job(number) else { throw HTTPError(.notFound, message: "There is no job \(number).") }
        return job
    }

    /// A request's refusal as the browser should see it.
    private func attempt<Value>(_ body: () throws -> Value) throws -> Value {
        do { return try body() } catch let error as StoreError {
            throw HTTPError(error.kind == .noSuchJob ? .notFound : error.kind == .notPossible ? .conflict : .internalServerError, message: error.description)
        }
    }

    private struct Overview: Encodable {
        let counts: [String: Int], notices: [Notice], freeBytes: Int, now: Date
        enum CodingKeys: String, CodingKey { case counts, notices, freeBytes = "free_bytes", now }
    }

    private func overview() throws -> Overview {
        let counts = try store.counts()
        return Overview(
            counts: Dictionary(uniqueKeysWithValues: counts.map { ($0.key.rawValue, $0.value) }), notices: try store.notices(),
            freeBytes: Machine.freeBytes(at: configuration.state), now: Date())
    }

    private struct Details: Encodable {
        let job: JobSummary, attempts: [JobAttempt], events: [JobEvent], pictures: [String], report: String?
    }

    private func details(_ context: BasicRequestContext) throws -> Details {
        let (record, run) = try job(context), number = record.runs[run].number
        guard let summary = try store.summary(number) else { throw HTTPError(.notFound) }
        let folder = files.folder(record, run: run)
        return Details(
            job: summary, attempts: try store.attempts(number), events: try store.events(number),
            pictures: files.pictures(record, run: run).reversed(), report: ["report.html", "report.json"].first { Folder.exists(folder + "/" + $0) })
    }

    /// Pairs of step and loss from `metrics.jsonl`; a long curve is thinned out to the means of equal stretches.
    private func loss(_ context: BasicRequestContext) throws -> [[Double]] {
        let (record, run) = try job(context)
        return LossCurve.read(files.folder(record, run: run) + "/metrics.jsonl", points: 600)
    }

    /// The end of the job's log.
    private func log(_ context: BasicRequestContext) throws -> Response {
        let (record, run) = try job(context)
        var text = Data()
        if let path = files.log(record, run: run), let handle = FileHandle(forReadingAtPath: path) {
            defer { try? handle.close() }
            let size = (try? handle.seekToEnd()) ?? 0
            try? handle.seek(toOffset: size > 65_536 ? size - 65_536 : 0)
            text = (try? handle.readToEnd()) ?? Data()
        }
        return Response(status: .ok, headers: [.contentType: "text/plain; charset=utf-8", .cacheControl: "no-cache"], body: .init(byteBuffer: .init(bytes: text)))
    }

    // MARK: - Files

    private func file(_ request: Request, _ context: BasicRequestContext) async throws -> Response {
        let (record, run) = try job(context)
        let wanted = context.parameters.getCatchAll().joined(separator: "/").removingPercentEncoding ?? ""
        guard let path = Self.resolve(wanted, in: files.folder(record, run: run)) else { throw HTTPError(.notFound, message: "The job has no such file.") }
        var headers: HTTPFields = [.contentType: Self.type(of: path), .cacheControl: "no-cache"]
        // A page that the job has made is shown, and can do nothing.
        headers[.contentSecurityPolicy] = "sandbox; default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'"
        if !["png", "jpg", "html", "json", "jsonl", "txt", "log"].contains(path.split(separator: ".").last.map(String.init) ?? "") {
            headers[.contentDisposition] = "attachment"
        }
        let body = try await FileIO().loadFile(path: path, context: context)
        return Response(status: .ok, headers: headers, body: body)
    }

    /// The ordinary file that `relative` leads to; nil where that is none, is hidden, or lies outside of `folder`, be it through a link.
    static func resolve(_ relative: String, in folder: String) -> String? {
        let pieces = relative.split(separator: "/", omittingEmptySubsequences: false)
        guard !pieces.isEmpty, pieces.allSatisfy({ !$0.isEmpty && !$0.hasPrefix(".") && !$0.contains("\0") }) else { return nil }
        guard let root = real(folder), let path = real(folder + "/" + relative), path.hasPrefix(root + "/") else { return nil }
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        return path
    }

    private static func real(_ path: String) -> String? {
        guard let pointer = realpath(path, nil) else { return nil }
        defer { free(pointer) }
        return String(cString: pointer)
    }

    private static func type(of path: String) -> String {
        switch path.split(separator: ".").last.map({ $0.lowercased() }) {
        case "png": "image/png"
        case "jpg", "jpeg": "image/jpeg"
        case "html": "text/html; charset=utf-8"
        case "json": "application/json"
        case "txt", "log", "jsonl", "yaml": "text/plain; charset=utf-8"
        default: "application/octet-stream"
        }
    }

    // MARK: - Prometheus

    /// The text format, version 0.0.4.
    private func metrics() throws -> Response {
        var lines = ["# HELP segmixd_jobs Jobs by state.", "# TYPE segmixd_jobs gauge"]
        for (state, count) in try store.counts().sorted(by: { $0.key.rawValue < $1.key.rawValue }) { lines.append("segmixd_jobs{state=\"\(state)\"} \(count)") }
        lines += ["# HELP segmixd_free_bytes Room on the disk of the state directory.", "# TYPE segmixd_free_bytes gauge"]
        lines.append("segmixd_free_bytes \(Machine.freeBytes(at: configuration.state))")
        lines += ["# HELP segmixd_notices What waits and needs somebody's attention.", "# TYPE segmixd_notices gauge", "segmixd_notices \(try store.notices().count)"]
        let running = try store.summaries(ended: 0).filter { $0.state == .running }
        for (name, help, value) in Self.gauges {
            lines += ["# HELP segmixd_job_\(name) \(help)", "# TYPE segmixd_job_\(name) gauge"]
            for job in running {
                if let number = value(job) { lines.append("segmixd_job_\(name){job=\"\(job.number)\",name=\"\(Self.escaped(job.name))\"} \(number)") }
            }
        }
        return Response(
            status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"], body: .init(byteBuffer: .init(string: lines.joined(separator: "\n") + "\n")))
    }

    private static let gauges: [(String, String, @Sendable (JobSummary) -> Double?)] = [
        ("step", "Step of the present phase of a running job.", { $0.progress?.step.map(Double.init) }),
        ("steps", "Steps of that phase in all.", { $0.progress?.total.map(Double.init) }),
        ("loss", "Loss of the last step.", { $0.progress?.loss }),
        ("seconds_per_step", "Seconds that a step takes.", { $0.progress?.secondsPerStep }),
    ]

    private static func escaped(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }
}
