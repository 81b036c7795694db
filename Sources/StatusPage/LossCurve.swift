import Foundation

/// The loss over the steps, from `metrics.jsonl`.
enum LossCurve {
    /// Pairs of step and loss in the order of the file. More than `points` are thinned out: each stretch of equal length gives the mean of
    /// its steps and the mean of its losses. A line that is being written is passed over.
    static func read(_ path: String, points: Int) -> [[Double]] {
        struct Line: Decodable { let step: Double, loss: Double }
        guard let data = FileManager.default.contents(atPath: path), data.count <= 1 << 28 else { return [] }
        let decoder = JSONDecoder()
        let all = data.split(separator: UInt8(ascii: "\n")).compactMap { try? decoder.decode(Line.self, from: $0) }
        guard all.count > points else { return all.map { [$0.step, $0.loss] } }
        return (0..<points).map { i in
            let stretch = all[(i * all.count / points)..<((i + 1) * all.count / points)]
            let n = Double(stretch.count)
            return [stretch.reduce(0) { $0 + $1.step } / n, stretch.reduce(0) { $0 + $1.loss } / n]
        }
    }
}
