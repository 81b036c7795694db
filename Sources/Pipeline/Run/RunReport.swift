import CPUDevice
import Files
import Foundation
import Jobs

/// `report.json`: what was asked, what came out, what it cost.
struct RunReport {
    let job: Job
    let modelPath: String
    let directory: RunDirectory
    let losses: [(step: Int, loss: Double)]
    let notes: [String]
    let began: Date
    let memory: Memory
    let samples: [String]

    /// In bytes. What was foreseen, and what it was.
    struct Memory: Encodable {
        let foreseen, available: Int
        /// Tensors now and at their worst moment; files of the models that are in memory now; the process at its worst.
        let liveTensors, peakTensors, residentWeights, peakResident: Int
        /// Blocks of the UNet that were computed again in each backward pass, of how many.
        let recomputedBlocks, blocks: Int

        init(device: CPUDevice, cost: JobCost) {
            let process = ProcessMemory.now()
            (foreseen, available) = (cost.memory.total, cost.budget.available)
            (liveTensors, peakTensors) = (device.liveBytes, device.peakBytes)
            (residentWeights, peakResident) = (process.files, process.peak)
            (recomputedBlocks, blocks) = (cost.choice.recomputed, cost.choice.blocks)
        }

        enum CodingKeys: String, CodingKey {
            case foreseen, available, liveTensors = "live_tensors", peakTensors = "peak_tensors", residentWeights = "resident_weights"
            case peakResident = "peak_resident", recomputedBlocks = "recomputed_blocks", blocks
        }
    }

    private struct Contents: Encodable {
        struct Point: Encodable { let step: Int, loss: Double }
        let name: String, model: String
        let subjects: [String: String]
        let files: [String], samples: [String]
        let settings: JobSpecification
        let loss: [Point]
        let warnings: [String]
        let started: Date, finished: Date
        let seconds: Double
        let memory: Memory
    }

    func write() throws {
        let now = Date()
        let lora = [directory.diffusersFile(), directory.kohyaFile()].filter { Folder.exists($0) }
        let contents = Contents(
            name: job.name, model: modelPath, subjects: Dictionary(uniqueKeysWithValues: job.photos.subjects.map { ($0.key, $0.phrase) }),
            files: lora.map(relative), samples: samples.map(relative), settings: job.specification,
            loss: losses.map { .init(step: $0.step, loss: $0.loss) }, warnings: job.warnings + notes, started: began, finished: now,
            seconds: now.timeIntervalSince(began), memory: memory)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        try AtomicFile.write(encoder.encode(contents), to: directory.report)
    }

    private func relative(_ path: String) -> String { path.hasPrefix(directory.path + "/") ? String(path.dropFirst(directory.path.count + 1)) : path }
}
