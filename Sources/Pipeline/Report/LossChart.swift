import Foundation

/// The loss over the steps as inline SVG: the raw values faint, a running mean over them.
struct LossChart {
    let points: [(step: Int, loss: Double)]

    private static let width = 720.0, height = 260.0, left = 64.0, bottom = 28.0, top = 10.0, right = 8.0

    /// The exponential running mean, its start corrected (as Adam's): half of the weight lies on the last 5 % of the run.
    static func smoothed(_ values: [Double]) -> [Double] {
        let decay = pow(0.5, 1 / max(1, Double(values.count) / 20))
        var mean = 0.0, weight = 1.0
        return values.map { value in
            mean = decay * mean + (1 - decay) * value
            weight *= decay
            return mean / (1 - weight)
        }
    }

    var svg: HTML {
        let points = points.filter(\.loss.isFinite)
        guard points.count > 1, let first = points.first, let last = points.last else { return "" }
        let means = Self.smoothed(points.map(\.loss))
        // The highest percent of the values must not flatten the rest.
        let sorted = points.map(\.loss).sorted(), high = max(sorted[min(sorted.count - 1, sorted.count * 99 / 100)], means.max()!)
        let ceiling = high > 0 ? high * 1.08 : 1
        func x(_ step: Int) -> Double { Self.left + Double(step - first.step) / Double(max(last.step - first.step, 1)) * (Self.width - Self.left - Self.right) }
        func y(_ loss: Double) -> Double { Self.top + (1 - min(max(loss, 0), ceiling) / ceiling) * (Self.height - Self.top - Self.bottom) }
        // No more places than the eye can tell apart.
        let stride = max(1, points.count / 1400)
        func path(_ values: [Double]) -> String {
            values.indices.filter { $0 % stride == 0 || $0 == values.count - 1 }.map { String(format: "%.1f,%.1f", x(points[$0].step), y(values[$0])) }.joined(separator: " ")
        }
        let lines = (0...4).map { i -> HTML in
            let value = ceiling * Double(i) / 4, place = String(format: "%.1f", y(value))
            return """
                <line class="grid" x1="\(Int(Self.left))" x2="\(Int(Self.width - Self.right))" y1="\(place)" y2="\(place)"/>\
                <text x="\(Int(Self.left) - 6)" y="\(place)" text-anchor="end" dominant-baseline="middle">\(Self.short(value))</text>
                """
        }
        let ends = String(format: "%.0f", Self.height - 8)
        return """
            <svg viewBox="0 0 \(Int(Self.width)) \(Int(Self.height))" role="img" aria-label="Loss over the training steps">\(lines)\
            <text x="\(Int(Self.left))" y="\(ends)">step \(first.step)</text>\
            <text x="\(Int(Self.width - Self.right))" y="\(ends)" text-anchor="end">step \(last.step)</text>\
            <polyline class="raw" points="\(path(points.map(\.loss)))"/><polyline class="mean" points="\(path(means))"/></svg>
            """
    }

    static func short(_ value: Double) -> String { value == 0 ? "0" : String(format: value < 0.01 ? "%.1e" : "%.3f", value) }
}
