import Files
import Foundation
import Training

/// The event file in `tensorboard/`: the numbers of `metrics.jsonl` and the validation pictures. A run that goes on after
/// step n first drops what was written beyond it, so that nothing is there twice.
final class TensorBoardFile {
    private let path: String
    private var handle: FileHandle?

    static let name = "events.out.tfevents.segmixd"

    init(folder: String) { path = folder + "/" + Self.name }

    /// Keeps what was written up to `step`, but for the pictures of that step, which come again; 0: nothing.
    func begin(after step: Int) throws {
        try Directory.create(Directory.parent(of: path))
        var records = [TensorBoardEvent.version(time: Self.now)]
        if step > 0, let file = FileManager.default.contents(atPath: path) {
            records = records + TensorBoardEvent.messages(file).filter {
                let its = TensorBoardEvent.step(of: $0)
                return (1..<step).contains(its) || its == step && !TensorBoardEvent.isPicture($0)
            }
        }
        try AtomicFile.write(records.reduce(into: Data()) { $0 += TensorBoardEvent.record($1) }, to: path)
        guard let file = FileHandle(forWritingAtPath: path) else { throw FileError("write", path, code: errno) }
        try file.seekToEnd()
        handle = file
    }

    func append(_ record: StepRecord) throws {
        var values = [("loss", record.loss), ("instance_loss", record.instanceLoss)]
        if let prior = record.priorLoss { values.append(("prior_loss", prior)) }
        values += [("lr", record.learningRate), ("grad_norm", record.gradientNorm), ("seconds", record.times.total)]
        try write(TensorBoardEvent.scalars(values.map { (tag: $0.0, value: $0.1) }, step: record.step, time: Self.now))
    }

    /// A picture that was rendered after `step`.
    func append(picture tag: String, png: Data, width: Int, height: Int, step: Int) throws {
        try write(TensorBoardEvent.picture(tag, png: png, width: width, height: height, step: step, time: Self.now))
    }

    /// Brings what was appended to the disk.
    func flush() throws { try handle?.synchronize() }

    private func write(_ message: [UInt8]) throws { try handle?.write(contentsOf: TensorBoardEvent.record(message)) }

    private static var now: Double { Date().timeIntervalSince1970 }
}
