import Diffusion
import Foundation

/// Where a vision model's directory says how pictures are prepared: `preprocessor_config.json` as on the hub, or the
/// `image_processor` of a `processor_config.json`, which transformers 5 writes for models that also read text.
enum ImageProcessorFile {
    /// - Parameter model: what the directory should be of, for messages.
    /// - Throws: `ModelError`.
    static func read(directory: String, of model: String) throws -> ModelConfiguration {
        let single = "preprocessor_config.json", unified = "processor_config.json"
        if !FileManager.default.fileExists(atPath: directory + "/" + single), FileManager.default.fileExists(atPath: directory + "/" + unified) {
            let file = try ModelConfiguration(directory: directory, file: unified, of: model)
            if file.isSection("image_processor") { return try file.section("image_processor") }
        }
        return try ModelConfiguration(directory: directory, file: single, of: model)
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
