import CPUDevice

/// A run's memory in bytes: what was foreseen, and what it was.
struct RunMemory: Encodable {
    let foreseen, available: Int
    /// Tensors now and at their worst moment; files that are in memory now, the models' and the program's own; the process at its worst. The worst is
    /// that of every process of the run.
    let liveTensors, peakTensors, residentWeights, peakResident: Int
    /// Blocks of the UNet that were computed again in each backward pass, of how many.
    let recomputedBlocks, blocks: Int

    /// - Parameter foreseen: with the making of masks and prior images, where that takes more than the training.
    init(device: CPUDevice, cost: JobCost, foreseen: Int, clock: RunClock) {
        let process = ProcessMemory.now(), peaks = clock.peaks(resident: process.peak, tensors: device.peakBytes)
        (self.foreseen, available) = (foreseen, cost.budget.available)
        (liveTensors, peakTensors) = (device.liveBytes, peaks.tensors)
        (residentWeights, peakResident) = (process.files, peaks.resident)
        (recomputedBlocks, blocks) = (cost.choice.recomputed, cost.choice.blocks)
    }

    enum CodingKeys: String, CodingKey {
        case foreseen, available, liveTensors = "live_tensors", peakTensors = "peak_tensors", residentWeights = "resident_weights"
        case peakResident = "peak_resident", recomputedBlocks = "recomputed_blocks", blocks
    }
}
