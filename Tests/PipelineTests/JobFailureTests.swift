import Diffusion
import Files
import Foundation
import Jobs
import Testing

@testable import Pipeline

/// Who is told what to do, and whether it is tried again.
struct JobFailureTests {
    private func status(_ error: any Error, model name: String) -> Jobs.ExitStatus {
        var specification = JobSpecification()
        specification.model = name
        do {
            return try JobFailure.afterCheck(specification, Configuration.Model(base: "/models/sdxl", dinov2: "/models/dino")) { throw error }
        } catch { return JobFailure(error).status }
    }

    /// The folder was in order: who dropped it has no part in a model that is bad by now, unless the folder names it.
    @Test func aModelThatIsBadAfterTheCheck() {
        let bad = ModelError(path: "/models/sdxl/unet/config.json", reason: "is not a JSON object")
        #expect(status(bad, model: "sdxl") == .unavailable && status(bad, model: "/models/sdxl") == .badInput)
        for (path, code, wanted) in [
            ("/models/sdxl/unet/part.safetensors", ENOENT, Jobs.ExitStatus.unavailable), ("/models/dino/model.safetensors", EACCES, .unavailable), ("/models/sdxl/unet", EIO, .inputOutput),
            ("/models/sdxl/unet", ESTALE, .inputOutput), ("/models/sdxl-2/unet", ENOENT, .badInput), ("/job/a.png", ENOENT, .badInput),
        ] {
            #expect(status(FileError("read", path, code: code), model: "sdxl") == wanted, "\(path) \(code)")
        }
    }

    @Test func whatCannotBeReadIsNotToBeWritten() {
        let reading = JobFailure(CocoaError(.fileReadUnknown)), writing = JobFailure(CocoaError(.fileWriteOutOfSpace))
        #expect(reading.status == .inputOutput && reading.description.hasPrefix("a file cannot be read"), "\(reading)")
        #expect(writing.status == .inputOutput && writing.description.hasPrefix("the result cannot be written"), "\(writing)")
    }
}
