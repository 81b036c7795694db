import Files
import Foundation

/// Which of a model directory's files are its weights: Hugging Face's layout, as diffusers and transformers read it.
struct WeightFiles {
    /// The safetensors files, opened, and which of them holds each key.
    let files: [SafetensorsFile]
    let location: [String: Int]

    /// For `NAME.safetensors`, then `NAME.safetensors.index.json` with its shards; then the same of the fp16 variant.
    /// With `.fp16` asked for, the variant comes first.
    /// - Throws: `FileError`, `SafetensorsError`, `WeightsError`.
    init(directory: String, baseName: String, variant: WeightVariant) throws {
        func path(_ name: String) -> String { Directory.joined(directory, name) }

        guard try Folder.destination(directory) == .directory else {
            throw WeightsError(directory, "there is no such folder", remedy: "Name the folder of a model in diffusers layout")
        }
        let full = ["\(baseName).safetensors", "\(baseName).safetensors.index.json"]
        // Both spellings of a sharded variant are in circulation.
        let half = ["\(baseName).fp16.safetensors", "\(baseName).safetensors.index.fp16.json", "\(baseName).fp16.safetensors.index.json"]
        let candidates = variant == .full ? full + half : half + full
        guard let found = try candidates.first(where: { try Folder.destination(path($0)) != nil }) else { throw try Self.nothingFound(directory, baseName) }
        if found.hasSuffix(".json") {
            self = try Self.shards(directory, index: path(found))
        } else {
            self = try WeightFiles(file: path(found))
        }
    }

    private init(files: [SafetensorsFile], location: [String: Int]) { (self.files, self.location) = (files, location) }

    /// One file.
    init(file path: String) throws {
        let file = try SafetensorsFile(path)
        files = [file]
        location = Dictionary(uniqueKeysWithValues: file.entries.map { ($0.name, 0) })
    }

    /// - Throws: `FileError` where it cannot be found out.
    private static func nothingFound(_ directory: String, _ baseName: String) throws -> WeightsError {
        let names = try Folder.names(directory).sorted()
        let file = "\(baseName).safetensors", index = file + ".index.json"
        if let dangling = try names.first(where: { try $0.hasPrefix(file) && Folder.destination(Directory.joined(directory, $0)) == nil }) {
            return WeightsError(
                directory, "\(dangling) is a link to a file that is not there", remedy: "Copy the files themselves and not their links (cp -L), or fetch the model again")
        }
        if let shard = names.first(where: { $0.hasPrefix(baseName + "-") && $0.hasSuffix(".safetensors") }) {
            return WeightsError(
                directory, "there are shards of the weights (\(shard)) but no \(index), which says what is in which", remedy: "Fetch that file too")
        }
        if let other = names.first(where: { $0.hasSuffix(".bin") && !$0.hasPrefix("openvino_") || $0.hasSuffix(".ckpt") || $0.hasSuffix(".pt") || $0.hasSuffix(".pth") }) {
            return WeightsError(
                directory, "the weights are there only as \(other), a pickle, which this program does not open",
                remedy: "Save the model as safetensors (in Python: save_pretrained(…, safe_serialization=True))")
        }
        if let other = names.first(where: { $0.hasSuffix(".safetensors") }) {
            return WeightsError(directory, "there is \(other) but no \(file)", remedy: "Rename it, or name the folder that has \(file)")
        }
        return WeightsError(
            directory, "there is no \(file)", remedy: "Fetch the model whole, or name the folder that has it")
    }

    /// An index is `{"weight_map": {key: shard}}`; shards lie beside it. Each key must be in the shard that the index
    /// names, and no shard may hold a key that the index does not.
    private static func shards(_ directory: String, index path: String) throws -> WeightFiles {
        let json: JSON
        do {
            json = try MappedFile(path).withBytes { try JSON($0) }
        } catch let fault as JSON.Fault {
            throw WeightsError(path, "the index cannot be read: \(fault)", remedy: "Fetch the file again")
        }
        guard let map = json["weight_map"]?.members, !map.isEmpty else {
            throw WeightsError(path, "the index has no weight_map", remedy: "Fetch the file again")
        }
        var files: [SafetensorsFile] = [], number: [String: Int] = [:], location: [String: Int] = [:]
        var absent: [String] = []
        for member in map {
            let key = member.name, value = member.value
            guard let shard = value.string, !shard.isEmpty, shard != ".", shard != "..", !shard.contains("/"), !shard.contains("\0") else {
                throw WeightsError(
                    path, "\"\(key)\" is mapped to \(value.string.map(JSON.quoted) ?? value.kind), not to a file of the same folder",
                    remedy: "Fetch the file again")
            }
            if number[shard] == nil {
                number[shard] = files.count
                files.append(try SafetensorsFile(Directory.joined(directory, shard)))
            }
            let i = number[shard]!
            if files[i][key] == nil { absent.append("\(key) (\(shard))") }
            location[key] = i
        }
        let surplus = files.enumerated().flatMap { i, file in
            file.entries.filter { location[$0.name] != i }.map { "\($0.name) (\((file.path as NSString).lastPathComponent))" }
        }
        guard absent.isEmpty && surplus.isEmpty else {
            var clauses: [String] = []
            if !absent.isEmpty { clauses.append("\(absent.count) of its keys are not in the shard it names (\(listed(absent)))") }
            if !surplus.isEmpty { clauses.append("\(surplus.count) tensors of the shards are not in the index (\(listed(surplus)))") }
            throw WeightsError(
                path, "index and shards do not belong together: " + clauses.joined(separator: "; "), remedy: "Fetch the index and all shards again")
        }
        return WeightFiles(files: files, location: location)
    }
}

/// Which precision of the weights is wanted where a directory has both.
public enum WeightVariant: Sendable {
    /// `NAME.safetensors`; the fp16 variant only where there is nothing else.
    case full
    /// `NAME.fp16.safetensors`; the full one only where there is nothing else.
    case fp16
}

/// The first ten of `names` and how many more there are.
func listed(_ names: [String], limit: Int = 10) -> String {
    names.prefix(limit).map { $0.onOneLine(atMost: 200) }.joined(separator: ", ") + (names.count > limit ? ", and \(names.count - limit) more" : "")
}
