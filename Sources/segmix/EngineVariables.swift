import Files
import Foundation
import Jobs
import Pipeline

/// The environment variables that the engine reads. What is misspelt would be passed over in silence, and something else measured.
enum EngineVariables {
    static let instructionSets = ["avx512", "avx2", "plain"]

    /// - Throws: `JobFailure` for a value that means nothing.
    static func check() throws {
        let environment = ProcessInfo.processInfo.environment
        if let text = environment["SEGMIX_THREADS"], Int(text).map({ $0 >= 1 }) != true {
            throw JobFailure(.usage, "SEGMIX_THREADS is “\(text.onOneLine())”; a number of threads from 1 on is wanted, or leave it out")
        }
        if let text = environment["SEGMIX_ISA"], !instructionSets.contains(text) {
            throw JobFailure(.usage, "SEGMIX_ISA is “\(text.onOneLine())”; it is one of \(instructionSets.joined(separator: ", ")), or leave it out")
        }
    }
}
