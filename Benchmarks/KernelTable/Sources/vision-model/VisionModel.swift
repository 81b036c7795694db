import CPUDevice
import Foundation
import Images
import Tensors
import Vision
import Weights

/// One vision model's encoder on one picture, timed, for `compare_vision_models.py`:
///
///     vision-model owlv2|sam DIR --image FILE [--precision no|bf16] [--warm 1] [--runs 3]
///                  [--query TEXT]… [--box x0,y0,x1,y1] [--save FILE]
///
/// Prints one JSON object: `load` and `prepare` (seconds until the model stands, and for the picture to become pixels), and
/// the `seconds` of each counted run of the encoder on the same pixels, with the processor time of all threads as `cpu`.
/// `--save` writes what the encoder and what follows it give, as safetensors: `features`, and `logits`, `boxes`,
/// `objectness` (OWLv2) or `logits` and `scores` of the single mask of the box (SAM).
@main
struct VisionModel {
    static func main() throws {
        let options = try Options(Array(CommandLine.arguments.dropFirst()))
        CPUDevice.install()
        let image = try ImageFile.readPhoto(options.image)
        let report = switch options.kind {
        case .owlv2: try owlv2(options, image)
        case .sam: try sam(options, image)
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        print(String(decoding: try encoder.encode(report), as: UTF8.self))
    }

    private static func owlv2(_ options: Options, _ image: RGBImage) throws -> Report {
        let (load, model) = try timed { try OWLv2(directory: options.directory, precision: options.precision) }
        let (prepare, pixels) = timed { model.prepared(image) }
        let report = options.measured(load: load, prepare: prepare) { model.features(pixels) }
        if let path = options.save {
            let prediction = try model.predict(image, queries: options.queries)
            var file = SafetensorsWriter()
            file.add("features", model.features(pixels))
            file.add("pixels", pixels)
            file.add("logits", shape: [prediction.objectness.count, options.queries.count], prediction.logits)
            file.add("boxes", shape: [prediction.objectness.count, 4], prediction.boxes)
            file.add("objectness", shape: [prediction.objectness.count], prediction.objectness)
            try file.write(to: path)
        }
        return report
    }

    private static func sam(_ options: Options, _ image: RGBImage) throws -> Report {
        let (load, model) = try timed { try SAM(directory: options.directory, precision: options.precision) }
        let (prepare, pixels) = timed { model.pixels(image) }
        let report = options.measured(load: load, prepare: prepare) { model.features(pixels) }
        if let path = options.save {
            let embedding = model.embed(image), b = options.box
            var file = SafetensorsWriter()
            file.add("features", embedding.features)
            file.add("pixels", pixels)
            if b.count == 4 {
                let mask = try model.segment(embedding, SegmentationPrompt(box: .init(x0: b[0], y0: b[1], x1: b[2], y1: b[3])))[0]
                file.add("logits", mask.logits)
                file.add("scores", shape: [1], [mask.predictedIoU])
            }
            try file.write(to: path)
        }
        return report
    }
}

/// What is printed.
struct Report: Encodable {
    let load, prepare: Double
    let seconds, cpu: [Double]
}

/// Seconds that `work` takes, and what it gives.
func timed<Result>(_ work: () throws -> Result) rethrows -> (Double, Result) {
    let clock = ContinuousClock(), start = clock.now, result = try work()
    return ((clock.now - start) / .seconds(1), result)
}

/// Processor time of all threads of this process so far.
func processorSeconds() -> Double {
    var time = timespec()
    guard clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) == 0 else { fatalError("no processor clock: \(errno)") }
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}
