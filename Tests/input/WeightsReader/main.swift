import ReaderLoop
import Weights

// Files of weights, through the very readers of the programs; every byte of every tensor is looked at.
ReaderLoop.run { kind, path in
    switch kind {
    case "weights":
        let file = try SafetensorsFile(path)
        var sum = 0
        for entry in file.entries {
            file.withBytes(of: entry) { for byte in $0 { sum &+= Int(byte) } }
            if entry.type.elementType != nil {
                let tensor = try file.tensor(entry.name), floats = try file.floats(entry.name)
                precondition(tensor.shape == entry.shape && floats.count == entry.count, "\(path): \(entry.name)")
            }
        }
        return "\(file.entries.count) tensors, sum \(sum)"
    case "lora":
        return "\(try LoRAFile.read(path).modules.count) modules"
    default:
        fatalError("nobody reads a \(kind)")
    }
}
