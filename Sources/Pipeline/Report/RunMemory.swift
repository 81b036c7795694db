import CPUDevice

/// A run's memory in bytes: what was foreseen, and what it was.
struct RunMemory: Encodable {
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
