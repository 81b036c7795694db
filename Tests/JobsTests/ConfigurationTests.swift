import Files
import Foundation
import TestFolders
import Testing

@testable import Jobs

@Suite struct ConfigurationTests {
    private func parse(_ text: String, path: String = "/etc/segmixd/segmixd.yaml") throws(FaultList) -> Configuration {
        try Configuration.parse(Array(text.utf8), path: path)
    }

    private func faults(_ text: String) -> [String] {
        do throws(FaultList) {
            _ = try parse(text, path: "c.yaml")
            return []
        } catch {
            return error.faults.map(\.description)
        }
    }

    @Test func everyKey() throws {
        let configuration = try parse(
            """
            inbox: in
            outbox: ../out
            state: /var/state
            models:
              sdxl: {base: models/sdxl, vae: /v, owlv2: o, sam: s, dinov2: d}
              tiny: {base: /t, variant: fp16}
            default_job: {rank: 4}
            settle_seconds: 2 min
            rescan_seconds: 0.5
            hours: 22:00-06:00
            max_attempts: 5
            min_free_space: 10 GiB
            mask_models: masks
            cache_size: 500 MB
            status_page: 127.0.0.1:8080
            """)
        #expect(configuration.inbox == "/etc/segmixd/in" && configuration.outbox == "/etc/out" && configuration.state == "/var/state")
        #expect(configuration.models["sdxl"] == .init(base: "/etc/segmixd/models/sdxl", vae: "/v", owlv2: "/etc/segmixd/o", sam: "/etc/segmixd/s", dinov2: "/etc/segmixd/d"))
        #expect(configuration.models["tiny"] == .init(base: "/t", variant: .fp16) && configuration.models["sdxl"]?.variant == nil)
        #expect(configuration.defaultJob?["rank"]?.integer == 4)
        #expect(configuration.settleSeconds == 120 && configuration.rescanSeconds == 0.5 && configuration.maxAttempts == 5)
        #expect(configuration.maskModels == "/etc/segmixd/masks" && configuration.cacheSize == 500_000_000)
        #expect(configuration.minFreeSpace == 10 << 30 && configuration.hours == RunningHours("22:00-06:00") && configuration.statusPage == "127.0.0.1:8080")
    }

    /// What a daemon hands to its workers is what it has read: the default job with its kinds of text and its lines, too.
    @Test func asAWorkerIsGivenIt() throws {
        let folder = try TemporaryFolder(), path = folder.path + "/configuration.json"
        var configuration = try parse(
            """
            models: {sdxl: {base: models/sdxl, vae: /v}}
            hours: 22:00-06:00
            mask_models: masks
            cache_size: 500 MB
            memory_per_job: 8 GiB
            default_job:
              mixed_precision: no
              rank: 4
              validation_prompt: "5"
              classes: {a: toy robot, b: ~}
              render: {prompts: [one, "two: #3"]}
            on_finish: curl https://example.org/secret
            status_token: secret
            """)
        try ConfigurationSnapshot.write(configuration, to: path)
        #expect(try !folder.read("configuration.json").contains("secret"))
        (configuration.onFinish, configuration.statusToken) = (nil, nil)
        #expect(try ConfigurationSnapshot.read(path) == configuration && configuration.defaultJob?["render"]?.location.line == 11)
        // Of another version, which knew other keys: then the configuration's own file holds.
        try folder.write("{\"inbox\": \"/in\"}", to: "configuration.json")
        #expect(try ConfigurationSnapshot.read(path) == nil)
        #expect(throws: FileError("read", folder.path + "/gone", code: ENOENT)) { try ConfigurationSnapshot.read(folder.path + "/gone") }
    }

    /// What the commented file in etc/ says are the defaults are the defaults.
    @Test func theShippedFile() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let path = root.appending(path: "etc/segmixd.yaml").path
        var expected = Configuration()
        expected.path = path
        #expect(try Configuration.load(path) == expected)
        // The commented examples must be right as well.
        let text = try String(contentsOfFile: path, encoding: .utf8)
            .replacing(/(?m)^# ((?:models|default_job|hours|  )[^\n]*)/) { String($0.output.1) }
        let all = try parse(text)
        #expect(all.models["sdxl"]?.vae != nil && all.defaultJob != nil && all.hours != nil)
    }

    @Test(arguments: [
        ("inbx: x", "c.yaml:1: unknown key `inbx`; did you mean `inbox`?"),
        ("settle_seconds: soon", "c.yaml:1: `settle_seconds` must be a duration from 0 s to 86400 s, such as `30` or `5 min`, not 'soon'"),
        ("rescan_seconds: 0", "c.yaml:1: `rescan_seconds` must be a duration from 0.05 s to 86400 s, such as `30` or `5 min`, not '0'"),
        ("hours: nights", "c.yaml:1: `hours` must be a span of the day such as `22:00-06:00`, not 'nights'"),
        ("hours: 25:00-26:00", "c.yaml:1: `hours` must be a span of the day such as `22:00-06:00`, not '25:00-26:00'"),
        ("max_attempts: 0", "c.yaml:1: `max_attempts` must be a whole number from 1 to 1000, not '0'"),
        ("min_free_space: lots", "c.yaml:1: `min_free_space` must be a size such as `10 GiB`, of a MiB at least, not 'lots'"),
        ("min_free_space: 10", "c.yaml:1: `min_free_space` must be a size such as `10 GiB`, of a MiB at least, not '10'"),
        ("memory_per_job: 0", "c.yaml:1: `memory_per_job` must be a size such as `10 GiB`, of a MiB at least, not '0'"),
        ("on_finish: none", "c.yaml:1: `on_finish` must be a text, not 'none'; leave the key out, or put the word in quotes"),
        ("mask_models: off", "c.yaml:1: `mask_models` must be a text, not 'off'; leave the key out, or put the word in quotes"),
        ("models: [a]", "c.yaml:1: `models` must be a table of name: {base: DIRECTORY}, not a list"),
        ("models:\n  a: x", "c.yaml:2: `models.a` must be a table of base, vae, owlv2, sam, dinov2, variant, not 'x'"),
        ("models:\n  a: {vae: x}", "c.yaml:2: `models.a` has no `base`, the directory of the SDXL model"),
        ("models:\n  a: {base: x, vea: y}", "c.yaml:2: unknown key `models.a.vea`; did you mean `vae`?"),
        ("default_job: {rnak: 3}", "c.yaml:1: unknown key `rnak`; did you mean `rank`?"),
        ("default_job: nowhere.yaml", nil),
        ("inbox: ~/inbox", "c.yaml:1: `inbox` must be a path that is written out, such as `/srv/segmixd`, not '~/inbox'"),
        ("state: $HOME/state", "c.yaml:1: `state` must be a path that is written out, such as `/srv/segmixd`, not '$HOME/state'"),
        ("models:\n  a: {base: 'C:\\models\\sdxl'}", "c.yaml:2: `models.a.base` must be a path that is written out, such as `/srv/segmixd`, not the text \"C:\\models\\sdxl\" in quotes"),
        ("default_job: ~/job.yaml", "c.yaml:1: `default_job` must be a path that is written out, such as `/srv/segmixd`, not '~/job.yaml'"),
        ("inbox: /x\noutbox: /x", "c.yaml:2: `inbox` and `outbox` are the same directory (/x); each needs its own"),
        ("inbox: /x\noutbox: /x/out", "c.yaml:2: `outbox` lies inside `inbox`; put them side by side"),
        ("state: /x/s\ninbox: /x", "c.yaml:1: `state` lies inside `inbox`; put them side by side"),
        ("- a", "c.yaml:1: a configuration is a table of `key: value` lines, not a list"),
    ] as [(String, String?)])
    func eachFaultHasItsSentence(_ text: String, _ sentence: String?) {
        let found = faults(text)
        #expect(found.count == 1)
        if let sentence { #expect(found == [sentence]) } else { #expect(found[0].hasPrefix("c.yaml:1: `default_job` is to be a job specification or the path of one, but Cannot read ")) }
    }

    @Test func directoriesAreComparedByWhereTheyLead() throws {
        let folder = try TemporaryFolder()
        try FileManager.default.createDirectory(atPath: folder.path + "/in", withIntermediateDirectories: false)
        try FileManager.default.createSymbolicLink(atPath: folder.path + "/link", withDestinationPath: "in")
        for (outbox, says) in [("link", "are the same directory"), ("link/out", "lies inside `inbox`"), ("link/hö\u{308}fe/out", "lies inside `inbox`")] {
            try folder.write("inbox: in\noutbox: \(outbox)\nstate: state\n", to: "segmixd.yaml")
            #expect { try Configuration.load(folder.path + "/segmixd.yaml") } throws: { "\($0)".contains(says) }
        }
    }

    @Test func aMissingFile() {
        #expect(throws: FaultList([Fault("the configuration /nowhere/c.yaml is not there; create it (etc/segmixd.yaml of the source is a commented example), or name another with `--config`")])) {
            try Configuration.load("/nowhere/c.yaml")
        }
    }

    @Test func defaultJobFromAFile() throws {
        let folder = try TemporaryFolder()
        try folder.write("rank: 7\nseed: x\n", to: "job-defaults.yaml")
        try folder.write("default_job: job-defaults.yaml\n", to: "segmixd.yaml")
        #expect(throws: FaultList([Fault(file: folder.path + "/job-defaults.yaml", line: 2, "`seed` must be a whole number from 0 to 9007199254740992, not 'x'")])) {
            try Configuration.load(folder.path + "/segmixd.yaml")
        }
        try folder.write("rank: 7\n", to: "job-defaults.yaml")
        #expect(try Configuration.load(folder.path + "/segmixd.yaml").defaultJob?["rank"]?.integer == 7)
    }

    @Test(arguments: [
        ("1048576", 1 << 20), ("10 GiB", 10 << 30), ("10GiB", 10 << 30), ("500 MB", 500_000_000), ("1.5 KiB", 1536), ("2G", 2 << 30), ("1e9", 1_000_000_000),
        ("0", 0), ("-1", nil), ("5 parsecs", nil), ("", nil), ("GiB", nil),
    ] as [(String, Int?)])
    func sizes(_ text: String, _ bytes: Int?) {
        #expect(Quantity.bytes(text) == bytes)
    }

    @Test(arguments: [("30", 30), ("0.5", 0.5), ("30 s", 30), ("5min", 300), ("2 h", 7200), ("250ms", 0.25), ("x", nil), ("1 fortnight", nil)] as [(String, Double?)])
    func durations(_ text: String, _ seconds: Double?) {
        #expect(Quantity.seconds(text) == seconds)
    }

    @Test func hours() throws {
        let night = try #require(RunningHours("22:00-06:00"))
        #expect([0, 359, 360, 1319, 1320, 1439].map(night.contains(minute:)) == [true, true, false, false, true, true])
        let day = try #require(RunningHours("8 - 17:30"))
        #expect([479, 480, 1049, 1050].map(day.contains(minute:)) == [false, true, true, false])
        #expect(RunningHours("00:00-24:00")?.contains(minute: 1439) == true)
        #expect(RunningHours("10:00-10:00") == nil)
    }
}
