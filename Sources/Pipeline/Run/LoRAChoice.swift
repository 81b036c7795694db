import Files
import Foundation
import Jobs

/// A LoRA file and its strength, as the command line says them: `FILE` or `FILE:0.8`. A folder stands for the LoRA for diffusers in it,
/// as for `load_lora_weights`.
public struct LoRAChoice: Sendable {
    public let path: String
    public let scale: Float

    /// - Throws: `Fault` where the file is not there.
    public init(_ text: String) throws {
        var (path, scale) = (text, Float(1))
        if !FileManager.default.fileExists(atPath: text), let colon = text.lastIndex(of: ":"), let number = Float(text[text.index(after: colon)...]), number.isFinite {
            (path, scale) = (String(text[..<colon]), number)
        }
        guard FileManager.default.fileExists(atPath: path) else { throw Fault(file: path, "the LoRA file is not there; give the path of a .safetensors file") }
        self.path = Folder.leadsToDirectory(path) ? Directory.joined(path, "pytorch_lora_weights.safetensors") : path
        self.scale = scale
        guard Folder.exists(self.path) else { throw Fault(file: path, "the folder has no pytorch_lora_weights.safetensors; give the path of a .safetensors file") }
    }
}
