import Files
import Foundation
import Hummingbird
import HummingbirdTesting
import Jobs
import JobStore
import Testing

@testable import StatusPage

@Suite struct StatusPageTests {
    /// A queue with some jobs and their files, and the page over it.
    private final class Place: Sendable {
        let path = NSTemporaryDirectory() + "segmix-page-\(UUID().uuidString)"
        let configuration: Jobs.Configuration
        let store: JobStore
        let application: Application<RouterResponder<BasicRequestContext>>

        init() throws {
            var configuration = Jobs.Configuration()
            configuration.state = path + "/state"
            configuration.outbox = path + "/outbox"
            configuration.statusToken = "secret"
            self.configuration = configuration
            let state = StateDirectory(configuration.state)
            try state.prepare()
            try Folder.create(configuration.outbox)
            store = try JobStore.openForDaemon(state).0
            application = Application(router: StatusRouter.make(configuration: configuration, store: store, token: "secret", host: "127.0.0.1"))
        }

        deinit { try? FileManager.default.removeItem(atPath: path) }

        /// Job 1 is running, 2 failed, 3 waits.
        func fill() throws {
            for (id, name) in [("1", "toys \"x\""), ("2", "bad"), ("3", "later")] {
                try store.add(JobRecord(id: id, name: name, source: "/x", claimed: Date(), runs: [.init(specificationFile: nil, name: "job")]))
            }
            try store.update("1") { $0.runs[0].state = .running }
            try store.setProgress(1, ProgressLine(phase: .train, step: 3, total: 9, loss: 0.25, secondsPerStep: 2))
            try store.update("2") { $0.runs[0].state = .running }
            try store.update("2") { $0.runs[0].state = .failed; $0.runs[0].error = "It is broken."; $0.failedAs = "bad.failed"; $0.state = .closed }
            let output = configuration.state + "/jobs/1/output/job"
            try write("{\"step\":1,\"loss\":0.5}\n{\"step\":2,\"loss\":0.25}\n{\"st", output + "/metrics.jsonl")
            try write("png", output + "/samples/step-2.png")
            try write("hidden", output + "/.segmixd/x.txt")
            try write("secret", path + "/state/secret.txt")
            symlink(path + "/state/secret.txt", output + "/link.txt")
            try write("the log", configuration.state + "/jobs/1/logs/job.log")
            try write("<script>", configuration.outbox + "/bad.failed/report.html")
        }

        private func write(_ text: String, _ path: String) throws {
            try Folder.create(Directory.parent(of: path))
            try text.write(toFile: path, atomically: false, encoding: .utf8)
        }
    }

    private func text(_ response: TestResponse) -> String { String(buffer: response.body) }

    @Test func whatIsShown() async throws {
        let place = try Place()
        try place.fill()
        try await place.application.test(.router) { client in
            try await client.execute(uri: "/", method: .get) { response in
                #expect(response.status == .ok && text(response).contains("<title>segmixd</title>"))
                #expect(response.headers[.contentSecurityPolicy]?.hasPrefix("default-src 'none'") == true)
            }
            try await client.execute(uri: "/jobs/1", method: .get) { #expect($0.status == .ok) }
            try await client.execute(uri: "/api/v1/status", method: .get) { #expect(text($0).contains(#""counts":{"cancelled":0,"done":0,"failed":1,"publishing":0,"queued":1,"running":1}"#)) }
            var tag: String?
            try await client.execute(uri: "/api/v1/jobs", method: .get) { response in
                let decoder = JSONDecoder()
                decoder.dateDecodingStrategy = .iso8601
                let jobs = try decoder.decode([JobSummary].self, from: Data(buffer: response.body))
                #expect(jobs.map(\.number) == [1, 3, 2] && jobs[0].progress?.step == 3 && jobs[2].result == "bad.failed")
                tag = response.headers[.eTag]
            }
            try await client.execute(uri: "/api/v1/jobs", method: .get, headers: [.ifNoneMatch: try #require(tag)]) { #expect($0.status == .notModified) }
            try await client.execute(uri: "/api/v1/jobs?ended=0", method: .get) { #expect(!text($0).contains("bad")) }
            try await client.execute(uri: "/api/v1/jobs/1", method: .get) { #expect(text($0).contains(#""pictures":["samples/step-2.png"]"#)) }
            try await client.execute(uri: "/api/v1/jobs/1/loss", method: .get) { #expect(text($0) == "[[1,0.5],[2,0.25]]") }
            try await client.execute(uri: "/api/v1/jobs/1/log", method: .get) { #expect(text($0) == "the log") }
            try await client.execute(uri: "/api/v1/jobs/9", method: .get) { #expect($0.status == .notFound && text($0).contains("There is no job 9.")) }
            try await client.execute(uri: "/metrics", method: .get) { response in
                let lines = Set(text(response).split(separator: "\n").map(String.init))
                #expect(lines.isSuperset(of: [#"segmixd_jobs{state="running"} 1"#, #"segmixd_job_step{job="1",name="toys \"x\""} 3.0"#, #"segmixd_job_loss{job="1",name="toys \"x\""} 0.25"#]))
            }
        }
    }

    /// Only ordinary files of the job's own folder.
    @Test func filesStayInTheirFolder() async throws {
        let place = try Place()
        try place.fill()
        try await place.application.test(.router) { client in
            try await client.execute(uri: "/api/v1/jobs/1/files/samples/step-2.png", method: .get) {
                #expect($0.status == .ok && text($0) == "png" && $0.headers[.contentType] == "image/png")
            }
            try await client.execute(uri: "/api/v1/jobs/2/files/report.html", method: .get) { #expect($0.headers[.contentSecurityPolicy]?.hasPrefix("sandbox;") == true) }
            for path in ["link.txt", ".segmixd/x.txt", "../../../secret.txt", "%2e%2e/%2e%2e/%2e%2e/secret.txt", "..%2f..%2f..%2f..%2fsecret.txt", "samples", "samples/", "/etc/passwd", "nothing"] {
                try await client.execute(uri: "/api/v1/jobs/1/files/\(path)", method: .get) { #expect($0.status == .notFound && !text($0).contains("secret"), "\(path)") }
            }
        }
    }

    @Test func changesNeedTheToken() async throws {
        let place = try Place()
        try place.fill()
        let right: HTTPFields = [.authorization: "Bearer secret"]
        try await place.application.test(.router) { client in
            for headers in [[:], [.authorization: "Bearer wrong"], [.authorization: "secret"]] as [HTTPFields] {
                try await client.execute(uri: "/api/v1/jobs/3/cancel", method: .post, headers: headers) { #expect($0.status == .unauthorized) }
            }
            #expect(try place.store.summary(3)?.state == .queued)
            try await client.execute(uri: "/api/v1/jobs/3/priority", method: .put, headers: right, body: ByteBuffer(string: #"{"priority": 7}"#)) { #expect($0.status == .ok) }
            try await client.execute(uri: "/api/v1/jobs/3/priority", method: .put, headers: right, body: ByteBuffer(string: #"{"priority": 7000}"#)) { #expect($0.status == .badRequest) }
            #expect(try place.store.summary(3)?.priority == 7)
            try await client.execute(uri: "/api/v1/jobs/3/cancel", method: .post, headers: right) { #expect(text($0) == #"{"state":"cancelled"}"#) }
            try await client.execute(uri: "/api/v1/jobs/3/cancel", method: .post, headers: right) { #expect($0.status == .conflict && text($0).contains("Job 3 is cancelled already.")) }
            try await client.execute(uri: "/api/v1/jobs/1/cancel", method: .post, headers: right) { #expect(text($0) == #"{"state":"running"}"#) }
            try await client.execute(uri: "/api/v1/jobs/2/retry", method: .post, headers: right) { #expect(text($0) == #"{"state":"queued"}"#) }
        }
        #expect(try place.store.cancellations() == [1] && place.store.work(excluding: [], mayRun: false) == .reopen(folder: "2"))
    }

    @Test(arguments: [
        ("127.0.0.1:99", true), ("127.0.0.1", true), ("localhost:7474", true), ("[::1]:80", true), ("Studio.lan:7474", true), ("", true),
        ("evil.example", false), ("1.2.3.evil", false), ("127.0.0.1.evil.example:80", false), ("999.1.1.1", false), ("[evil]", false),
    ])
    func namesOfOthersAreRefused(_ authority: String, _ isServed: Bool) {
        #expect(GuardMiddleware<BasicRequestContext>.isOurName(authority, host: "studio.lan") == isServed)
    }

    @Test func theTokenIsMadeOnceAndKeptFromOthers() throws {
        let place = try Place()
        var configuration = place.configuration
        configuration.statusToken = nil
        let token = try StatusToken.load(configuration)
        #expect(try token.count == 40 && StatusToken.load(configuration) == token)
        var status = stat()
        #expect(stat(configuration.state + "/token", &status) == 0 && status.st_mode & 0o777 == 0o600)
        #expect(StatusToken.matches(token, token) && !StatusToken.matches("", token) && !StatusToken.matches(token + "x", token))
    }

    @Test func aLongCurveIsThinnedOut() throws {
        let path = NSTemporaryDirectory() + "segmix-loss-\(UUID().uuidString)"
        defer { unlink(path) }
        try (1...1000).map { "{\"step\":\($0),\"loss\":\($0 % 2 == 0 ? 1 : 3)}" }.joined(separator: "\n").write(toFile: path, atomically: false, encoding: .utf8)
        let curve = LossCurve.read(path, points: 100)
        #expect(curve.count == 100 && curve[0] == [5.5, 2] && curve[99] == [995.5, 2])
        #expect(LossCurve.read(path + "x", points: 100).isEmpty)
    }
}
