/// A regular expression over names of modules, as PEFT's `alpha_pattern` has them: letters, digits, `_` and `-`, `.` for any
/// character, `\.`, `\d`, `\w`, `[…]`, groups with `|`, `*`, `+`, `?`, `^` and `$`.
///
/// It comes from strangers, so it is followed in all its ways at once: the time is bounded by its length times the name's.
struct NamePattern {
    private enum Step {
        /// One character that fits.
        case take((Character) -> Bool)
        /// On with both, counted from here.
        case split(Int, Int)
        case jump(Int)
        case start, end
    }

    private let steps: [Step]

    /// nil where `text` is something else.
    init?(_ text: String) {
        var rest = text[...]
        // Each is read within the one around it.
        guard text.count(where: { $0 == "(" }) <= 100 else { return nil }
        guard let steps = Self.alternatives(&rest), rest.isEmpty else { return nil }
        self.steps = steps
    }

    private static func alternatives(_ text: inout Substring) -> [Step]? {
        guard var steps = sequence(&text) else { return nil }
        if text.first == "|" {
            text.removeFirst()
            guard let other = alternatives(&text) else { return nil }
            steps = [.split(1, steps.count + 2)] + steps + [.jump(other.count + 1)] + other
        }
        return steps
    }

    private static func sequence(_ text: inout Substring) -> [Step]? {
        var steps: [Step] = []
        while let next = text.first, next != "|", next != ")" {
            guard var part = part(&text) else { return nil }
            while let sign = text.first, "*+?".contains(sign) {
                text.removeFirst()
                switch sign {
                case "*": part = [.split(1, part.count + 2)] + part + [.jump(-part.count - 1)]
                case "+": part += [.split(-part.count, 1)]
                default: part = [.split(1, part.count + 1)] + part
                }
            }
            steps += part
        }
        return steps
    }

    private static func part(_ text: inout Substring) -> [Step]? {
        let first = text.removeFirst()
        switch first {
        case ".": return [.take { _ in true }]
        case "^": return [.start]
        case "$": return [.end]
        case "(":
            if text.hasPrefix("?:") { text.removeFirst(2) }
            guard let inner = alternatives(&text), text.popFirst() == ")" else { return nil }
            return inner
        case "[":
            let isNot = text.first == "^"
            if isNot { text.removeFirst() }
            var ranges: [ClosedRange<Character>] = []
            var item = text.popFirst()
            while let low = item, low != "]" {
                guard isOfNames(low) else { return nil }
                if text.first == "-", let high = text.dropFirst().first, isOfNames(high) {
                    guard low <= high else { return nil }
                    text.removeFirst(2)
                    ranges.append(low...high)
                } else {
                    ranges.append(low...low)
                }
                item = text.popFirst()
            }
            guard item == "]", !ranges.isEmpty else { return nil }
            return [.take { [ranges] one in ranges.contains { $0.contains(one) } != isNot }]
        case "\\":
            switch text.popFirst() {
            case "d": return [.take { $0.isNumber }]
            case "w": return [.take { $0.isLetter || $0.isNumber || $0 == "_" }]
            case let escaped? where escaped == "." || escaped == "-" || escaped == "_": return [.take { $0 == escaped }]
            default: return nil
            }
        default: return isOfNames(first) ? [.take { $0 == first }] : nil
        }
    }

    private static func isOfNames(_ one: Character) -> Bool { one.isLetter || one.isNumber || one == "_" || one == "-" || one == "." }

    /// Whether it is the whole of `name`, or of what follows one of its dots.
    func matches(_ name: String) -> Bool {
        var now = Reached(steps.count)
        follow(0, &now, isStart: true, isEnd: name.isEmpty)
        var rest = name[...]
        while let one = rest.popFirst() {
            var next = Reached(steps.count)
            for i in now.list {
                if case .take(let fits) = steps[i], fits(one) { follow(i + 1, &next, isStart: false, isEnd: rest.isEmpty) }
            }
            if one == "." { follow(0, &next, isStart: false, isEnd: rest.isEmpty) }
            now = next
        }
        return now.isThere[steps.count]
    }

    /// The places in an expression that a name has led to.
    private struct Reached {
        var list: [Int] = []
        var isThere: [Bool]

        init(_ count: Int) { isThere = Array(repeating: false, count: count + 1) }
    }

    private func follow(_ first: Int, _ reached: inout Reached, isStart: Bool, isEnd: Bool) {
        var waiting = [first]
        while let i = waiting.popLast() {
            if reached.isThere[i] { continue }
            reached.isThere[i] = true
            guard i < steps.count else { continue }
            switch steps[i] {
            case .take: reached.list.append(i)
            case .split(let a, let b): waiting += [i + a, i + b]
            case .jump(let a): waiting.append(i + a)
            case .start: if isStart { waiting.append(i + 1) }
            case .end: if isEnd { waiting.append(i + 1) }
            }
        }
    }
}
