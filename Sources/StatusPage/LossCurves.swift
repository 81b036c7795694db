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

    /// Pairs of step and loss in the order of the file. More than `points` are thinned out: each stretch of equal length gives the mean of
    /// its steps and the mean of its losses. A line that is being written is passed over; a file that was cut off or replaced is read anew.
    func read(_ path: String, points: Int) -> [[Double]] {
        // Files are looked at without the lock: one that hangs holds up no other.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else {
            curves.withLock { $0[path] = nil }
            return []
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return [] }
        let new = Curve(device: status.st_dev, inode: status.st_ino)
        var curve = curves.withLock { $0[path] } ?? new
        if (curve.device, curve.inode) != (new.device, new.inode) || curve.offset > status.st_size { curve = new }
        Self.readOn(descriptor, &curve)
        curve.used = .now
        curves.withLock { [curve] curves in
            curves[path] = curve
            if curves.count > Self.kept, let oldest = curves.min(by: { $0.value.used < $1.value.used }) { curves[oldest.key] = nil }
        }
        return Self.thinned(curve, points: points)
    }

    private static func readOn(_ descriptor: Int32, _ curve: inout Curve) {
        let decoder = JSONDecoder()
        var pending: [UInt8] = [], buffer = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = pread(descriptor, &buffer, buffer.count, off_t(curve.offset + pending.count))
            if count <= 0 { return }
            pending += buffer[..<count]
            // No line is as long as this; it is no such file.
            guard let end = pending.lastIndex(of: UInt8(ascii: "\n")) else { if pending.count > 1 << 20 { return } else { continue } }
            for line in pending[..<end].split(separator: UInt8(ascii: "\n")) {
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
