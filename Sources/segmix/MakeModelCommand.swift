import ArgumentParser
import Foundation
import Pipeline
import Tensors

struct MakeModelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "make-model",
        abstract: "Writes an SDXL model with random weights, of a given size, in diffusers layout.",
        discussion: """
            For trying things out and for tests on a machine without a downloaded model: its pictures are patterns, but \
            everything that runs with SDXL runs with it. Presets: tiny (tests), small (the demonstration), quarter (SDXL's \
            topology at a quarter of its width), sdxl (the real size: 6.5 GiB in float16).
            """)

    @Argument(help: "The folder to make; it must not be there yet, or be empty.", completion: .directory)
    var directory: String

    @Option(help: "The size: \(ModelPreset.allCases.map(\.rawValue).joined(separator: ", ")).")
    var preset = ModelPreset.tiny

    @Option(name: .customLong("set"), help: ArgumentHelp(
        "Changes a key of a part's configuration, e.g. 'unet.block_out_channels=[32, 48, 64]'; parts are unet, vae, text_encoder, text_encoder_2, scheduler.",
        valueName: "part.key=value"))
    var settings: [String] = []

    @Option(help: "The same seed gives the same weights.")
    var seed: UInt64 = 0

    @Option(help: "Type of the weights: \(ElementType.allCases.map(\.rawValue).joined(separator: ", ")).")
    var dtype = ElementType.float32

    @Option(help: ArgumentHelp("Take this tokenizer, or both of this model, instead of the small one of our own.", valueName: "directory"), completion: .directory)
    var tokenizer: String?

    func run() throws {
        let maker = ModelMaker(preset: preset, settings: settings, seed: seed, type: dtype, tokenizer: try tokenizer.map(absolute))
        let showsProgress = isatty(STDERR_FILENO) == 1
        var shown = -1
        let parts = try maker.write(to: try absolute(directory)) { done, total in
            let percent = total == 0 ? 100 : 100 * done / total
            guard showsProgress, percent != shown else { return }
            shown = percent
            FileHandle.standardError.write(Data("\r\(percent) % of \(total >> 20) MiB".utf8))
        }
        if showsProgress { FileHandle.standardError.write(Data("\r\u{1B}[K".utf8)) }
        for part in parts {
            print("\(part.part.rawValue): \(part.tensors) tensors, \(Self.millions(part.parameters)) parameters, \(Self.size(part.bytes))")
        }
        print(try absolute(directory))
    }

    private static func millions(_ count: Int) -> String { String(format: "%.2f million", Double(count) / 1e6) }

    private static func size(_ bytes: Int) -> String { String(format: "%.1f MiB", Double(bytes) / 1_048_576) }
}

extension ModelPreset: ExpressibleByArgument {}
extension ElementType: ExpressibleByArgument {}
