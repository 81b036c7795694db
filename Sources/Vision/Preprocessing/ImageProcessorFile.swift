import Diffusion
import Files
import Foundation

/// Where a vision model's directory says how pictures are prepared: `preprocessor_config.json` as on the hub, or the
/// `image_processor` of a `processor_config.json`, which transformers 5 writes for models that also read text.
enum ImageProcessorFile {
    private static let single = "preprocessor_config.json", unified = "processor_config.json"

    /// - Parameters:
    ///   - model: what the directory should be of, for messages.
    ///   - type: transformers' name of the image processor whose arithmetic is followed.
    /// - Throws: `ModelError`, also where there is no file.
    static func read(directory: String, of model: String, type: String) throws -> ModelConfiguration {
        if let found = try find(directory: directory, of: model, type: type) { return found }
        return try ModelConfiguration(directory: directory, file: single, of: model)
    }

    /// The same; nil where neither file is there.
    static func find(directory: String, of model: String, type: String) throws -> ModelConfiguration? {
        func exists(_ file: String) throws -> Bool { try Folder.destination(directory + "/" + file) != nil }
        let found: ModelConfiguration
        if try exists(single) {
            found = try ModelConfiguration(directory: directory, file: single, of: model)
        } else {
            guard try exists(unified), case let file = try ModelConfiguration(directory: directory, file: unified, of: model), file.isSection("image_processor")
            else { return nil }
            found = try file.section("image_processor")
        }
        // Its variants are called …Fast and …Pil.
        let named = try found.string("image_processor_type", default: type)
        guard named.hasPrefix(type) else {
            throw ModelError(
                path: found.path, reason: "\"image_processor_type\" is \"\(named)\", and only \(type) is supported; take the file of the model that this one was made from")
        }
        return found
    }

    /// Height and width under a key: a number for both, or an object with `height` and `width`; nil where there is none, or
    /// where the object gives the shortest edge only.
    static func size(_ key: String, in c: ModelConfiguration) throws -> (height: Int, width: Int)? {
        guard c.has(key) else { return nil }
        guard c.isSection(key) else {
            let side = try c.integer(key, in: 1...8192)
            return (side, side)
        }
        let size = try c.section(key)
        guard size.has("height") || size.has("width") else { return nil }
        return (try size.integer("height", in: 1...8192), try size.integer("width", in: 1...8192))
    }
}
