import Diffusion
import Files
import Foundation
import Images
import Jobs
import SegMix
import Training
import Vision
import Weights

/// A job that ended before it was done: how the process ends, and what is said.
public struct JobFailure: Error, CustomStringConvertible {
    public let status: ExitStatus
    public let description: String

    public init(_ status: ExitStatus, _ description: String) {
        self.status = status
        self.description = description
    }

    /// Whether the same may work later: a disk is full, a share does not answer. Rights come back only where somebody gives them.
    static func mayPass(_ error: any Error) -> Bool {
        if let error = error as? FileError, [EACCES, EPERM].contains(error.code) { return false }
        return JobFailure(error).status == .inputOutput
    }

    /// One of several things that are wrong.
    static func fault(_ error: any Error) -> Fault { Fault("\(error)", mayPass: mayPass(error)) }

    /// Loads a model of the configuration: what is wrong with it nobody mends by changing the folder.
    /// - Throws: `JobFailure` (unavailable), and what may pass.
    static func ofConfiguration<Model>(_ load: () throws -> Model) throws -> Model {
        do { return try load() } catch {
            if mayPass(error) { throw error }
            throw JobFailure(.unavailable, JobFailure(error).description)
        }
    }

    /// Goes on with a job that `JobCheck` found in order: what is wrong with its model by now nobody mends by changing the folder, unless
    /// that says itself where the model lies.
    /// - Parameter model: nil: none is used.
    /// - Throws: `JobFailure` (unavailable) for such a model; everything else as it was.
    public static func afterCheck<Result>(_ specification: JobSpecification, _ model: Configuration.Model?, _ body: () throws -> Result) throws -> Result {
        do { return try body() } catch {
            let places = [model?.base, model?.vae, model?.owlv2, model?.sam, model?.dinov2].compactMap { $0 }
            guard !specification.namesModelByPath, isOfModel(error, places) else { throw error }
            throw JobFailure(.unavailable, JobFailure(error).description)
        }
    }

    /// - Parameter places: the directories of the job's model.
    private static func isOfModel(_ error: any Error, _ places: [String]) -> Bool {
        switch error {
        case is ModelError, is WeightFaults, is WeightsError, is TokenizerError, is ScheduleError: true
        // A run has such files of its own.
        case let error as SafetensorsError: isInside(error.path, places)
        case let error as FileError: !mayPass(error) && isInside(error.path, places)
        default: false
        }
    }

    private static func isInside(_ path: String, _ places: [String]) -> Bool { places.contains { path == $0 || path.hasPrefix($0 + "/") } }

    /// What a path leads to; nil for nothing, or nothing that this program may look at.
    /// - Throws: `FileError` for what may pass.
    static func destination(_ path: String) throws -> Folder.Kind? {
        do throws(FileError) { return try Folder.destination(path) } catch {
            if mayPass(error) { throw error }
            return nil
        }
    }

    private static func sentence(_ error: CocoaError) -> String {
        // Foundation's numbers of what reading can meet.
        let isReading = (CocoaError.Code.fileReadUnknown.rawValue..<CocoaError.Code.fileWriteUnknown.rawValue).contains(error.code.rawValue)
        return isReading
            ? "a file cannot be read\(error.filePath.map { ": " + $0 } ?? ""): \(error.localizedDescription) Check the disk or the network share that it is on and the permissions, then run the job again."
            : sentence(error.localizedDescription, error.filePath)
    }

    private static func sentence(_ reason: String, _ path: String?) -> String {
        "the result cannot be written\(path.map { ": " + $0 } ?? ""): \(reason) Make room or correct the permissions, then run the job again."
    }

    /// What an error of any part means for the job.
    public init(_ error: any Error) {
        switch error {
        case let failure as JobFailure: self = failure
        // The one who drops folders has no part in it.
        case let faults as FaultList where faults.faults.count == 1 && faults.faults[0].message.hasPrefix(Configuration.noModel):
            self.init(.unavailable, faults.description)
        // What else is wrong may only follow from what could not be read.
        case let faults as FaultList: self.init(faults.faults.contains(where: \.mayPass) ? .inputOutput : .badInput, faults.description)
        case let fault as Fault: self.init(fault.mayPass ? .inputOutput : .badInput, fault.description)
        case let error as ImageError where error.kind == .inputOutput: self.init(.inputOutput, "\(error)")
        case TrainingError.otherPrediction, TrainingError.notFinite(step: 1, what: "loss", files: _): self.init(.unavailable, "\(error)")
        case is ImageError, is SegMixError, is QueryError, is ModelError, is WeightFaults, is AdapterFaults, is WeightsError, is SafetensorsError,
             is TokenizerError, is ScheduleError, is TrainingError:
            self.init(.badInput, "\(error)")
        case let error as FileError: self.init([ENOENT, ENOTDIR, EISDIR].contains(error.code) ? .badInput : .inputOutput, error.description)
        // Foundation's own: a folder that could not be made, a file that could not be appended to.
        case let error as CocoaError: self.init(.inputOutput, Self.sentence(error))
        case let error as POSIXError: self.init(.inputOutput, Self.sentence(error.localizedDescription, nil))
        default: self.init(.software, "something went wrong that should not be possible: \(error)")
        }
    }
}
