import Files
import Foundation
import Jobs
@testable import Pipeline
import Testing

@Suite(.serialized) struct MemoryTests {
    /// A made-up `/proc` and `/sys`.
    private final class Root {
        let path = NSTemporaryDirectory() + "segmix-root-\(UUID().uuidString)"

        init(_ files: [String: String]) throws {
            for (name, text) in files {
                let file = path + "/" + name
                try FileManager.default.createDirectory(atPath: (file as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
                try Data((text + "\n").utf8).write(to: URL(fileURLWithPath: file))
            }
        }

        deinit { try? FileManager.default.removeItem(atPath: path) }
    }

    private static let machine = "MemTotal:       20000000 kB\nMemFree: 1 kB\nMemAvailable:   10000000 kB"
    private func part(_ bytes: Int) -> Int { bytes / 20 * 19 }

    @Test func theMachineItsGroupsAndTheUser() throws {
        let plain = try Root(["proc/meminfo": Self.machine])
        var now = MemoryBudget.now(environment: [:], root: plain.path)
        #expect(now == MemoryBudget(total: part(20_480_000_000), available: part(10_240_000_000), source: "this machine's memory"))

        // The tightest group above the process counts, and pages of files do not.
        let second = try Root([
            "proc/meminfo": Self.machine, "proc/self/cgroup": "0::/system.slice/segmixd.service",
            "sys/fs/cgroup/system.slice/segmixd.service/memory.max": "max",
            "sys/fs/cgroup/system.slice/memory.max": "8000000000", "sys/fs/cgroup/system.slice/memory.current": "3000000000",
            "sys/fs/cgroup/system.slice/memory.stat": "anon 5\ninactive_file 900000000\nactive_file 100000000",
        ])
        now = MemoryBudget.now(environment: [:], root: second.path)
        #expect(now.total == part(8_000_000_000) && now.available == part(6_000_000_000) && now.source.contains("limit"))

        let first = try Root([
            "proc/meminfo": Self.machine, "proc/self/cgroup": "5:cpu,cpuacct:/a\n4:memory:/docker/abc",
            "sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes": "6000000000", "sys/fs/cgroup/memory/docker/abc/memory.usage_in_bytes": "2000000000",
            "sys/fs/cgroup/memory/docker/abc/memory.stat": "total_inactive_file 300000000\ntotal_active_file 200000000",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
        ])
        now = MemoryBudget.now(environment: [:], root: first.path)
        #expect(now.total == part(6_000_000_000) && now.available == part(4_500_000_000) && !now.isShare)
        // What is set aside is less that is free, and never more.
        now = MemoryBudget.now(environment: ["SEGMIX_MEMORY_SHARE": "1000000000"], root: first.path)
        #expect(now.total == part(6_000_000_000) && now.available == 1_000_000_000 && now.isShare)
        now = MemoryBudget.now(environment: ["SEGMIX_MEMORY_SHARE": "5000000000"], root: first.path)
        #expect(now.available == part(4_500_000_000) && !now.isShare)
        #expect(now.supposing(free: 5_000_000_000).available == 5_000_000_000 && now.supposing(free: 7_000_000_000).available == now.total)

        // Limits on what is asked for say nothing of what there is; OpenBLAS's buffers come off.
        let buffers = 128 << 20, one = ["SEGMIX_THREADS": "1"]
        let limited = try Root([
            "proc/meminfo": Self.machine, "proc/self/status": "Name:\tsegmix\nVmData:\t  1000000 kB",
            "proc/self/limits": "Limit                     Soft Limit           Hard Limit           Units\nMax data size             7000000000           unlimited            bytes",
        ])
        now = MemoryBudget.now(environment: one, root: limited.path)
        #expect(now.asked?.total == part(7_000_000_000 - buffers) && now.asked?.available == part(7_000_000_000 - 1_024_000_000 - buffers))
        #expect(now.asked?.source.contains("LimitDATA") == true && now.total == part(20_480_000_000) && now.available == part(10_240_000_000))
        // Of 9 GB 8 are mapped files, of which it does not count.
        #expect(now.room(beside: 9_000_000_000, mapped: 8_000_000_000) == now.available - 9_000_000_000)
        #expect(now.room(beside: 2_000_000_000, mapped: 0) == now.asked!.available - 2_000_000_000)
        for (kind, isLimit) in [("2", true), ("0", false), ("1", false)] {
            let kernel = try Root(["proc/meminfo": Self.machine + "\nCommitLimit: 9000000 kB\nCommitted_AS: 2000000 kB", "proc/sys/vm/overcommit_memory": kind])
            now = MemoryBudget.now(environment: one, root: kernel.path)
            #expect(now.asked?.total == (isLimit ? part(9_216_000_000 - buffers) : nil) && now.asked?.available == (isLimit ? part(7_168_000_000 - buffers) : nil))
        }
        let addresses = try Root(["proc/meminfo": Self.machine, "proc/self/limits": "Max address space         9000000000           unlimited            bytes"])
        #expect(MemoryBudget.now(environment: one, root: addresses.path).asked?.available == part(4_500_000_000 - buffers))
        // No more threads call OpenBLAS at once than there are processors.
        #expect(MemoryBudget.now(environment: ["SEGMIX_THREADS": "9223372036854775807"], root: limited.path).asked?.total == part(max(0, 7_000_000_000 - Processors.allowed * buffers)))

        now = MemoryBudget.now(environment: ["SEGMIX_MEMORY": "2 GiB"], root: first.path)
        #expect(now == MemoryBudget(total: 2 << 30, available: 2 << 30, source: "SEGMIX_MEMORY"))
        now = MemoryBudget.now(environment: ["SEGMIX_MEMORY": "100 GiB"], root: first.path)
        #expect(now.total == part(6_000_000_000))
        #expect(throws: Fault("SEGMIX_MEMORY is “plenty”; a size such as 12GiB is wanted, of a MiB at least, or leave it out")) {
            try EngineVariables.check(["SEGMIX_MEMORY": "plenty"])
        }
    }

    @Test func processorsAndTheirQuotas() throws {
        let second = ["proc/self/cgroup": "0::/system.slice/segmixd.service"], folder = "sys/fs/cgroup/system.slice"
        let all = Processors.usable(root: try Root(second).path)
        for (above, own, count) in [("max 100000", "max 100000", all), ("max 100000", "50000 100000", 1), ("100000 100000", "max 100000", 1), ("150000 100000", "400000 100000", min(2, all))] {
            let root = try Root(second.merging(["\(folder)/cpu.max": above, "\(folder)/segmixd.service/cpu.max": own]) { $1 })
            #expect(Processors.usable(root: root.path) == count, "\(above), \(own)")
        }
        for (time, count) in [("-1", all), ("20000", 1)] {
            let first = try Root(["proc/self/cgroup": "5:cpu,cpuacct:/a", "sys/fs/cgroup/cpu/a/cpu.cfs_quota_us": time, "sys/fs/cgroup/cpu/a/cpu.cfs_period_us": "100000"])
            #expect(Processors.usable(root: first.path) == count)
        }
    }

    /// Too little for anything: refused before anything is written, with numbers and what helps. Too little for keeping
    /// everything: the same LoRA all the same.
    @Test func aJobThatCannotFitIsRefused() throws {
        let place = try Workplace(steps: 2)
        func run(_ command: [String], _ memory: String) throws -> Program.Ending {
            try Program.segmix.run(command + ["--config", place.configuration], environment: ["SEGMIX_MEMORY": memory])
        }
        let train = ["train", place.job, "--output", place.output]
        for command in [train, ["check", place.job]] {
            let end = try run(command, "50 MiB")
            #expect(end.status == 65 && end.errors.contains("this job needs about"), "\(end.errors)")
            #expect(end.errors.contains("there are 50 MiB (SEGMIX_MEMORY), even with `gradient_checkpointing: true`; use `mixed_precision: bf16`, a smaller `resolution`"))
            #expect(end.errors.split(separator: "\n").count == 1)
        }
        #expect(!place.exists("out"))
    }

    /// What keeping everything takes is foreseen as it is, and with less memory less is kept: the same LoRA, down to what even computing
    /// everything anew cannot do with. Differences, so that what every process takes does not hide what is wrong.
    @Test func whatFitsIsKept() throws {
        let place = try Workplace(steps: 1, more: "train_batch_size: 8")
        try place.replace("resolution: 64", "resolution: 256", in: "toys/job.yaml")
        func train(_ folder: String, checkpointing: String = "auto", memory: Int? = nil) throws -> Program.Ending {
            try Program.segmix.run(
                ["train", place.job, "--config", place.configuration, "--output", "\(place.path)/\(folder)", "--set", "gradient_checkpointing=\(checkpointing)"],
                environment: memory.map { ["SEGMIX_MEMORY": "\($0 >> 10) KiB"] } ?? [:])
        }
        func memory(_ folder: String) throws -> [String: Int] {
            let report = try #require(try JSONSerialization.jsonObject(with: place.data(folder + "/report.json")) as? [String: Any])
            return try #require(report["memory"] as? [String: Int])
        }
        for (folder, checkpointing) in [("kept", "false"), ("anew", "true")] {
            let end = try train(folder, checkpointing: checkpointing)
            try #require(end.status == 0, "\(end.errors)")
        }
        let kept = try memory("kept"), anew = try memory("anew")
        let foreseen = kept["foreseen"]! - anew["foreseen"]!, taken = kept["peak_tensors"]! - anew["peak_tensors"]!
        #expect(taken > 10 << 20 && abs(Double(foreseen) / Double(taken) - 1) < 0.15, "\(foreseen), not \(taken)")

        let budget = (kept["foreseen"]! + anew["foreseen"]!) / 2, end = try train("half", memory: budget)
        try #require(end.status == 0, "\(end.errors)")
        let half = try memory("half")
        #expect((1..<half["blocks"]!).contains(half["recomputed_blocks"]!) && half["foreseen"]! <= budget)
        #expect(half["peak_tensors"]! < kept["peak_tensors"]! - foreseen / 3)
        for folder in ["anew", "half"] {
            #expect(try place.data(folder + "/pytorch_lora_weights.safetensors") == place.data("kept/pytorch_lora_weights.safetensors"))
        }
        let refused = try train("refused", memory: anew["foreseen"]! - foreseen / 10)
        #expect(refused.status == 65 && refused.errors.contains("even with `gradient_checkpointing: true`"), "\(refused.errors)")
        let other = try train("refused", checkpointing: "false", memory: budget)
        #expect(other.status == 65 && other.errors.contains("leave `gradient_checkpointing` out") && !place.exists("refused"), "\(other.errors)")
    }

    /// `check` and the report of the run say the same, and what was foreseen is near to what it was.
    @Test func theReportSaysWhatWasForeseenAndWhatItWas() throws {
        let place = try Workplace(steps: 2)
        let said = try place.check()
        #expect(said.status == 0 && said.output.contains("memory: about") && said.output.contains("time: about"), "\(said.output)")
        #expect(said.output.contains("blocks of the UNet are kept for the backward pass"))
        let end = try place.train()
        #expect(end.status == 0 && end.output.contains("memory: about"))
        let report = try #require(try JSONSerialization.jsonObject(with: place.data("out/report.json")) as? [String: Any])
        let memory = try #require(report["memory"] as? [String: Int])
        #expect(Set(memory.keys) == [
            "foreseen", "available", "live_tensors", "peak_tensors", "resident_weights", "peak_resident", "recomputed_blocks", "blocks",
        ])
        #expect(memory["peak_resident"]! > memory["peak_tensors"]! && memory["peak_tensors"]! >= memory["live_tensors"]! && memory["live_tensors"]! > 0)
        #expect(memory["recomputed_blocks"] == 0 && memory["blocks"]! > 10 && memory["foreseen"]! < 3 * memory["peak_resident"]!)
        // A key that says otherwise gives the same LoRA.
        let other = try place.train("--set", "gradient_checkpointing=true", to: "other")
        #expect(other.status == 0 && other.output.contains("are computed again in the backward pass"), "\(other.output)")
        #expect(try place.data("other/pytorch_lora_weights.safetensors") == place.data("out/pytorch_lora_weights.safetensors"))
    }
}
