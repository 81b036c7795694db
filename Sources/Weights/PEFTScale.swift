import Files
import Foundation

/// The alphas of a LoRA file, which PEFT keeps apart from the weights: diffusers in the file's metadata
/// (`lora_adapter_metadata`, with `unet.` before each name), PEFT itself in `adapter_config.json` beside the file. Where neither
/// says anything alpha is the rank.
struct PEFTScale {
    private struct Pattern {
        let name: String, alpha: Float
        /// nil where the name stands for itself.
        let expression: NamePattern?
    }

    private let common: Float?
    private let patterns: [Pattern]

    /// - Parameter isPEFTs: whether the file's keys are those that PEFT itself writes.
    /// - Throws: `FileError`, and `WeightsError` for a configuration that cannot be read or followed.
    init(_ metadata: [String: String], path: String, isPEFTs: Bool) throws {
        let beside = URL(fileURLWithPath: path).deletingLastPathComponent().appendingPathComponent("adapter_config.json").path
        if let text = metadata["lora_adapter_metadata"] {
            // With `unet.` before each name, or none where the UNet saved its adapter itself.
            try self.init(Data(text.utf8), before: text.contains("\"unet.") ? "unet." : "", called: "lora_adapter_metadata", path: path)
        } else if isPEFTs, let bytes = try Folder.contents(of: beside, limit: Self.largest) {
            try self.init(Data(bytes), before: "", called: "its JSON", path: beside)
        } else {
            self.init(nil, [])
        }
    }

    private init(_ common: Float?, _ patterns: [Pattern]) { (self.common, self.patterns) = (common, patterns) }

    private init(_ text: Data, before prefix: String, called name: String, path: String) throws {
        let json: JSON
        do {
            json = try text.withUnsafeBytes { try JSON($0) }
        } catch {
            throw WeightsError(path, "\(name) cannot be read: \(error)", remedy: "Save the LoRA again")
        }
        for flag in ["use_rslora", "use_dora"] where json[prefix + flag] == .boolean(true) {
            throw WeightsError(path, "it was trained with \(flag), which is not supported", remedy: "Use a plain LoRA")
        }
        common = json[prefix + "lora_alpha"]?.double.map { Float($0) }
        let given = json[prefix + "alpha_pattern"]?.members ?? []
        patterns = try given.compactMap { pattern in
            try pattern.value.double.map { Pattern(name: pattern.name, alpha: Float($0), expression: try Self.expression(pattern.name, path)) }
        }
        let expressions = patterns.filter { $0.expression != nil }.reduce(0) { $0 + $1.name.utf8.count }
        guard patterns.count <= Self.mostPatterns, expressions <= Self.longestExpressions else {
            throw WeightsError(
                path, "its alpha_pattern has \(patterns.count) entries with \(expressions) bytes of regular expressions; at most \(Self.mostPatterns) and \(Self.longestExpressions) are read",
                remedy: "Write it more simply")
        }
    }

    /// A UNet has some thousand modules; the names that diffusers and PEFT write are no expressions, and people write a few.
    private static let mostPatterns = 10_000, longestPattern = 4_000, longestExpressions = 20_000
    /// Bytes of an `adapter_config.json`.
    private static let largest = 4 << 20

    /// A name with nothing in it but what names of modules have stands for itself, also after the `^` that diffusers puts before it.
    private static func expression(_ name: String, _ path: String) throws -> NamePattern? {
        guard name.utf8.count <= longestPattern else {
            throw WeightsError(path, "the alpha_pattern \(JSON.quoted(name)) is longer than \(longestPattern) bytes", remedy: "Write it more simply")
        }
        if name.dropFirst(name.hasPrefix("^") ? 1 : 0).allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" || $0 == "." }) { return nil }
        guard let expression = NamePattern(name) else {
            throw WeightsError(
                path, "the alpha_pattern \(JSON.quoted(name)) is not a regular expression of names, ., \\., \\d, \\w, […], groups with |, *, + and ?",
                remedy: "Write it more simply")
        }
        return expression
    }

    /// As PEFT: the first pattern that is a module's name or the end of its path, as a regular expression.
    func alpha(_ module: String) -> Float? {
        patterns.first { pattern in
            if let expression = pattern.expression { return expression.matches(module) }
            if pattern.name.hasPrefix("^") { return pattern.name.dropFirst() == module }
            return module == pattern.name || module.hasSuffix("." + pattern.name)
        }?.alpha ?? common
    }
}
