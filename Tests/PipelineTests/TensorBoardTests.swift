import Foundation
import ModelGoldens
import TestFolders
import Testing

@testable import Pipeline
@testable import Training

struct TensorBoardTests {
    private func golden() throws -> Data { try Data(contentsOf: Golden.folder.appendingPathComponent("tensorboard/events.tfevents")) }

    @Test func checksumsAreCastagnolis() {
        // RFC 3720, B.4, and the usual check value.
        #expect(CRC32C.checksum(Array("123456789".utf8)) == 0xE306_9283)
        #expect(CRC32C.checksum(Array(repeating: UInt8(0), count: 32)) == 0x8A91_36AA)
    }

    @Test func bytesAreThoseOfTensorBoardsWriter() throws {
        func scalars(_ step: Int, _ loss: Double) -> [UInt8] {
            TensorBoardEvent.scalars([(tag: "loss", value: loss), (tag: "lr", value: 1e-4)], step: step, time: 1234.5)
        }
        let messages = [
            TensorBoardEvent.version(time: 1234.5), scalars(1, 0.25), scalars(300, 0.125),
            TensorBoardEvent.picture("validation/00", png: Data("PNG?".utf8), width: 3, height: 2, step: 300, time: 1234.5),
        ]
        let golden = try golden()
        #expect(messages.reduce(into: Data()) { $0 += TensorBoardEvent.record($1) } == golden)
        #expect(TensorBoardEvent.messages(golden) == messages)
        #expect(messages.map(TensorBoardEvent.step) == [0, 1, 300, 300])
        #expect(messages.map(TensorBoardEvent.isPicture) == [false, false, false, true])
        // A file that was cut off, and one with a wrong bit, are read as far as they are whole.
        #expect(TensorBoardEvent.messages(golden.dropLast(1)).count == 3)
        var damaged = golden
        damaged[60] ^= 1
        #expect(TensorBoardEvent.messages(damaged).count == 1)
    }

    /// Scores have a file of their own, written whole.
    @Test func scores() throws {
        let folder = try TemporaryFolder(), path = folder.path + "/tensorboard"
        func picture(_ file: String, _ score: Double) -> ReportScores.Picture { .init(file: file, score: score, reason: nil, similarity: []) }
        let final = ReportScores(subjects: ["a"], [picture("samples/final-00.png", 0.25), picture("samples/final-03.png", 0.75)])
        let checkpoints = [(200, 0.125), (400, 0.5)].map { CheckpointScores.Checkpoint(step: $0.0, files: ["x"], pictures: [picture("y", $0.1)]) }
        for _ in 0..<2 { try TensorBoardScores(final: final, after: 400, checkpoints: checkpoints).write(to: path) }
        #expect(try FileManager.default.contentsOfDirectory(atPath: path) == ["events.out.tfevents.segmixd.scores"])
        let messages = TensorBoardEvent.messages(try Data(contentsOf: URL(fileURLWithPath: path + "/events.out.tfevents.segmixd.scores")))
        let expected = [
            TensorBoardEvent.version(time: 0), TensorBoardEvent.scalars([(tag: "validation/detect_and_compare", value: 0.125)], step: 200, time: 0),
            TensorBoardEvent.scalars([(tag: "validation/detect_and_compare", value: 0.5)], step: 400, time: 0),
            TensorBoardEvent.scalars(
                [(tag: "final/detect_and_compare", value: 0.5), (tag: "final/detect_and_compare/00", value: 0.25), (tag: "final/detect_and_compare/03", value: 0.75)],
                step: 400, time: 0),
        ]
        // All but the time.
        #expect(messages.map { Array($0.dropFirst(9)) } == expected.map { Array($0.dropFirst(9)) })
        let empty = try TemporaryFolder()
        try TensorBoardScores(final: nil, after: 400, checkpoints: []).write(to: empty.path + "/tensorboard")
        #expect(!FileManager.default.fileExists(atPath: empty.path + "/tensorboard"))
    }

    @Test func goingOnLeavesNothingTwice() throws {
        let folder = try TemporaryFolder(), path = folder.path + "/tensorboard"
        func record(_ step: Int) -> StepRecord {
            StepRecord(step: step, loss: 0.5, instanceLoss: 0.5, priorLoss: nil, learningRate: 1, gradientNorm: 1, composites: 0, examples: 1, times: StepTimes())
        }
        func steps() throws -> [Int] {
            let names = try FileManager.default.contentsOfDirectory(atPath: path)
            #expect(names.count == 1 && names[0].contains("tfevents"))
            return TensorBoardEvent.messages(try Data(contentsOf: URL(fileURLWithPath: path + "/" + names[0]))).map(TensorBoardEvent.step)
        }
        let first = TensorBoardFile(folder: path)
        try first.begin(after: 0)
        for step in 1...5 { try first.append(record(step)) }
        for step in [2, 4] { try first.append(picture: "validation/00", png: Data([1]), width: 1, height: 1, step: step) }
        let second = TensorBoardFile(folder: path)
        try second.begin(after: 4)
        for step in 5...6 { try second.append(record(step)) }
        // Pictures of the step that is gone on from come again, those that were kept too.
        #expect(try steps() == [0, 1, 2, 3, 4, 2, 5, 6])
        try TensorBoardFile(folder: path).begin(after: 0)
        #expect(try steps() == [0])
    }
}
