import Foundation
import Synchronization

/// Curves of the loss over the steps, from files `metrics.jsonl` that grow while somebody looks: what was read once is kept, and only
/// what was added since is read.
final class LossCurves: Sendable {
    /// One file, as far as it was read.
    private struct Curve {
        let device: dev_t, inode: ino_t
        /// Up to the end of the last whole line.
        var offset = 0
        var steps: [Double] = [], losses: [Double] = []
        var used = ContinuousClock.now
    }

    private struct Line: Decodable { let step: Double, loss: Double }

    /// So many are kept; 16 bytes a step each.
    private static let kept = 8
    private let curves = Mutex<[String: Curve]>([:])

    /// Longer than this no run is: at most so many steps are read, and so many bytes.
    private let longest: Int, largest: Int

    init(longest: Int = 1_000_000, largest: Int = 64 << 20) { (self.longest, self.largest) = (longest, largest) }

    /// Pairs of step and loss in the order of the file. More than `points` are thinned out: each stretch of equal length gives the mean of
    /// its steps and the mean of its losses. A line that is being written is passed over; a file that was cut off or replaced is read anew.
    func read(_ file: OpenedFile, points: Int) -> [[Double]] {
        // Files are looked at without the lock: one that hangs holds up no other.
        let new = Curve(device: file.device, inode: file.inode)
        var curve = curves.withLock { $0[file.path] } ?? new
        if (curve.device, curve.inode) != (new.device, new.inode) || curve.offset > file.size { curve = new }
        readOn(file, &curve)
        curve.used = .now
        curves.withLock { [curve] curves in
            curves[file.path] = curve
            if curves.count > Self.kept, let oldest = curves.min(by: { $0.value.used < $1.value.used }) { curves[oldest.key] = nil }
        }
        return Self.thinned(curve, points: points)
    }

    private func readOn(_ file: OpenedFile, _ curve: inout Curve) {
        let decoder = JSONDecoder()
        var pending: [UInt8] = []
        while curve.steps.count < longest {
            let place = curve.offset + pending.count
            guard place < largest, let more = try? file.bytes(from: place, min(1 << 18, largest - place)), !more.isEmpty else { return }
            pending += more
            // No line is as long as this; it is no such file.
            guard let end = pending.lastIndex(of: UInt8(ascii: "\n")) else { if pending.count > 1 << 20 { return } else { continue } }
            for line in pending[..<end].split(separator: UInt8(ascii: "\n")) where curve.steps.count < longest {
                guard let point = try? decoder.decode(Line.self, from: Data(line)) else { continue }
                curve.steps.append(point.step)
                curve.losses.append(point.loss)
            }
            curve.offset += end + 1
            pending.removeFirst(end + 1)
        }
    }

    private static func thinned(_ curve: Curve, points: Int) -> [[Double]] {
        let count = curve.steps.count
        guard count > points else { return zip(curve.steps, curve.losses).map { [$0, $1] } }
        return (0..<points).map { i in
            let stretch = (i * count / points)..<((i + 1) * count / points)
            let n = Double(stretch.count)
            return [curve.steps[stretch].reduce(0, +) / n, curve.losses[stretch].reduce(0, +) / n]
        }
    }
}
