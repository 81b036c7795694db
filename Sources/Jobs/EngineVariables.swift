import Files
import Foundation

/// The environment variables that the engine reads. What is misspelt would be passed over in silence, and something else measured.
public enum EngineVariables {
    static let instructionSets = ["avx512", "avx2", "plain"]

    /// - Throws: `Fault` for a value that means nothing.
    public static func check(_ environment: [String: String] = ProcessInfo.processInfo.environment) throws(Fault) {
        if let text = environment["SEGMIX_THREADS"], Int(text).map({ $0 >= 1 }) != true {
            throw Fault("SEGMIX_THREADS is “\(text.onOneLine())”; a number of threads from 1 on is wanted, or leave it out")
        }
        if let text = environment["SEGMIX_ISA"], !instructionSets.contains(text) {
            throw Fault("SEGMIX_ISA is “\(text.onOneLine())”; it is one of \(instructionSets.joined(separator: ", ")), or leave it out")
        }
        if let text = environment[MemoryBudget.environmentKey], !text.isEmpty, Quantity.bytes(ofMany: text) == nil {
            throw Fault("\(MemoryBudget.environmentKey) is “\(text.onOneLine())”; a size such as 12GiB is wanted, of a MiB at least, or leave it out")
        }
    }
}
