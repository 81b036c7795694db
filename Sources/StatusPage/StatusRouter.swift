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
    let curves = LossCurves()
    /// Looks at what lies in the outbox, which may be a share that hangs.
    private let outbox = FileExecutor("segmixd.page")

    static func make(configuration: Jobs.Configuration, store: JobStore, token: String, host: String, ending: Ending = Ending()) -> Router<BasicRequestContext> {
        let status = StatusRouter(configuration: configuration, store: store, files: JobFiles(configuration))
        let router = Router(options: .autoGenerateHeadEndpoints)
        router.add(middleware: GuardMiddleware(token: token, host: host, ending: ending))
        for path in ["/", "/jobs/:number"] { router.get(RouterPath(path)) { request, _ in status.page(request) } }
        // Browsers ask for it beside a report or a picture that is opened by itself.
        router.get("/favicon.ico") { _, _ in Response(status: .noContent) }
        router.get("/metrics") { _, _ in try status.metrics() }
        let api = router.group("/api/v1")
        api.get("/status") { request, _ in try status.json(status.overview(), for: request) }
        api.get("/jobs") { request, _ in
            func limit(_ name: String, _ usual: Int) -> Int { max(0, min(request.uri.queryParameters.get(name, as: Int.self) ?? usual, 100_000)) }
            return try status.json(store.summaries(ended: limit("ended", 100), waiting: limit("waiting", 100_000)), for: request)
        }
        api.get("/jobs/:number") { request, context in try await status.json(status.details(context), for: request) }
        api.get("/jobs/:number/loss") { request, context in try await status.json(status.loss(context), for: request) }
        api.get("/jobs/:number/log") { request, context in try await status.log(request, context) }
        api.get("/jobs/:number/files/**") { request, context in try await status.file(request, context) }
        api.post("/jobs/:number/cancel") { _, context in try status.json(["state": status.attempt { try store.cancel(status.number(context), daemonRuns: true) }], for: nil) }
        api.post("/jobs/:number/retry") { _, context in try status.json(["state": status.attempt { try store.retry(status.number(context)) }], for: nil) }
        api.put("/jobs/:number/priority") { request, context in
            struct Wanted: Decodable { let priority: Int }
            let body = try await request.body.collect(upTo: 4096)
            guard let wanted = try? JSONDecoder().decode(Wanted.self, from: Data(buffer: body)), (-1000...1000).contains(wanted.priority) else {
                throw HTTPError(.badRequest, message: "What is wanted is {\"priority\": N} with N from -1000 to 1000.")
            }
            try status.attempt { try store.setPriority(status.number(context), wanted.priority) }
            return try status.json(["priority": wanted.priority], for: nil)
        }
        return router
    }

    // MARK: - Answers

    private func page(_ request: Request) -> Response {
        answer(PackageResources.page_html, "text/html; charset=utf-8", for: request)
    }

    private func json(_ value: some Encodable, for request: Request?) throws -> Response {
        answer(Array(try JSONEncoder([.sortedKeys, .withoutEscapingSlashes], dates: .iso8601).encode(value)), "application/json", for: request)
    }

    /// An answer with its hash; whoever asks again and has it still is not sent it again.
    private func answer(_ bytes: [UInt8], _ type: String, for request: Request?) -> Response {
        // FNV-1a.
        let hash = bytes.reduce(into: UInt64(0xCBF2_9CE4_8422_2325)) { $0 = ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        let tag = "\"\(String(hash, radix: 16))\""
        if let request, request.headers[.ifNoneMatch] == tag { return Self.unchanged(tag) }
        return Response(status: .ok, headers: [.contentType: type, .cacheControl: "no-cache", .eTag: tag], body: .init(byteBuffer: .init(bytes: bytes)))
    }

    private static func unchanged(_ tag: String) -> Response { Response(status: .notModified, headers: [.cacheControl: "no-cache", .eTag: tag]) }

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
        let counts = try store.counts(), locked = store.lockNotice.map { [Notice(subject: "lock", text: $0, since: Date())] } ?? []
        return Overview(
            counts: Dictionary(uniqueKeysWithValues: counts.map { ($0.key.rawValue, $0.value) }), notices: locked + (try store.notices()),
            freeBytes: Directory.freeBytes(at: configuration.state) ?? 0, now: Date())
    }

    /// Looks at files of a job: those that have left for the outbox on a thread that nothing else needs.
    private func looking<Value: Sendable>(_ record: JobRecord, _ run: Int, _ body: @Sendable @escaping () throws -> Value) async throws -> Value {
        let state = record.runs[run].state
        return state.isFinal || state == .publishing ? try await outbox.run(body) : try body()
    }

    private struct Details: Encodable {
        let job: JobSummary, attempts: [JobAttempt], events: [JobEvent], pictures: [String], report: String?
    }

    private func details(_ context: BasicRequestContext) async throws -> Details {
        let (record, run) = try job(context), number = record.runs[run].number
        guard let summary = try store.summary(number) else { throw HTTPError(.notFound) }
        let (pictures, report) = try await looking(record, run) {
            (files.pictures(record, run: run), ["report.html", "report.json"].first { Folder.exists(files.place(record, run: run, of: $0).folder + "/" + $0) })
        }
        return Details(job: summary, attempts: try store.attempts(number), events: try store.events(number), pictures: pictures.reversed(), report: report)
    }

    /// Pairs of step and loss from `metrics.jsonl`; a long curve is thinned out to the means of equal stretches.
    private func loss(_ context: BasicRequestContext) async throws -> [[Double]] {
        let (record, run) = try job(context)
        return try await looking(record, run) {
            let place = files.place(record, run: run, of: "metrics.jsonl")
            return OpenedFile("metrics.jsonl", in: place.folder, below: place.root).map { curves.read($0, points: 600) } ?? []
        }
    }

    /// The end of the job's log. What lies in the outbox is others' to change: only an ordinary file is shown, not what a link leads to.
    private func log(_ request: Request, _ context: BasicRequestContext) async throws -> Response {
        let (record, run) = try job(context)
        let text: [UInt8] = try await looking(record, run) {
            guard let found = files.log(record, run: run), let name = found.path.split(separator: "/").last,
                let file = OpenedFile(String(name), in: Directory.parent(of: found.path), below: found.root)
            else { return [] }
            return (try? file.bytes(from: max(0, file.size - 65_536), 65_536)) ?? []
        }
        return answer(text, "text/plain; charset=utf-8", for: request)
    }

    // MARK: - Files

    /// A file that was listed a moment ago may be on its way to the outbox by now: it is looked for again with what is then known of the job.
    private func file(_ request: Request, _ context: BasicRequestContext) async throws -> Response {
        let wanted = context.parameters.getCatchAll().joined(separator: "/").removingPercentEncoding ?? ""
        for round in 0..<4 {
            let (record, run) = try job(context)
            let found: OpenedFile? = try await looking(record, run) {
                for place in files.places(record, run: run) {
                    if let file = OpenedFile(wanted, in: place.folder, below: place.root) { return file }
                }
                return nil
            }
            if let found { return answer(found, record, run, request) }
            if round < 3 { try await Task.sleep(for: .milliseconds(10 << round)) }
        }
        throw HTTPError(.notFound, message: "The job has no such file.")
    }

    private func answer(_ file: OpenedFile, _ record: JobRecord, _ run: Int, _ request: Request) -> Response {
        if request.headers[.ifNoneMatch] == file.tag { return Self.unchanged(file.tag) }
        var headers: HTTPFields = [.contentType: Self.type(of: file.path), .cacheControl: "no-cache", .eTag: file.tag]
        // A page that the job has made is shown, and can do nothing.
        headers[.contentSecurityPolicy] = "sandbox; default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'"
        if !["png", "jpg", "html", "json", "jsonl", "txt", "log"].contains(file.path.split(separator: ".").last.map(String.init) ?? "") {
            headers[.contentDisposition] = "attachment"
        }
        let body = ResponseBody(contentLength: file.size) { writer in
            var sent = 0
            while sent < file.size {
                let offset = sent, bytes = try await looking(record, run) { try file.bytes(from: offset, min(file.size - offset, 1 << 17)) }
                // It was cut off meanwhile: the answer is broken off.
                guard !bytes.isEmpty else { throw HTTPError(.internalServerError) }
                try await writer.write(ByteBuffer(bytes: bytes))
                sent += bytes.count
            }
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: headers, body: body)
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

    private func metrics() throws -> Response {
        let text = PrometheusText(
            counts: try store.counts(), running: try store.summaries(ended: 0, waiting: 0), notices: try store.notices().count,
            freeBytes: Directory.freeBytes(at: configuration.state) ?? 0).text
        return Response(status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"], body: .init(byteBuffer: .init(string: text)))
    }
}
