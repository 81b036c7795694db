import Files

/// A safetensors file that cannot be used: one sentence that names the file, the tensor where it is one tensor's fault,
/// what was found and what should be there.
public struct SafetensorsError: Error, CustomStringConvertible, Sendable, Equatable {
    public let path: String
    public let tensor: String?
    public let description: String

    init(_ path: String, tensor: String? = nil, _ reason: String, remedy: String = "The file is damaged or not a safetensors file: fetch it again") {
        self.path = path
        self.tensor = tensor
        description = "\(path.onOneLine()): " + (tensor.map { "tensor \"\($0.onOneLine(atMost: 300))\": " } ?? "") + "\(reason.onOneLine()). \(remedy)."
    }
}
