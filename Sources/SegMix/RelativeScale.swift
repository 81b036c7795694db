/// Whether the subjects have a size relative to each other that is known.
public enum RelativeScale: Equatable, Sendable {
    /// Each cut-out is scaled at random.
    case random
    /// Of two subjects (of one alone it says nothing): ρ > 0 makes the second ρ times its full size beside a full-sized first one,
    /// ρ < 0 the first |ρ| times beside a full-sized second; 0 is `random`.
    case ratio(Double)
    /// For any number of subjects: key → part of the full size, in (0, 1].
    case table([String: Double])

    /// The fixed part of the full size for each of `subjects`, or nil where it is drawn.
    ///
    /// Throws `SegMixError` where the setting does not fit the subjects.
    func scales(for subjects: [Subject]) throws(SegMixError) -> [Double]? {
        switch self {
        case .random, .ratio(0):
            return nil
        case .ratio(let ratio):
            guard ratio.isFinite && abs(ratio) <= 1 else {
                throw SegMixError("relative_scale is \(ratio); a number from -1 to 1 is wanted, the smaller subject's part of the larger one's size.")
            }
            if subjects.count == 1 { return nil }
            guard subjects.count == 2 else {
                throw SegMixError("relative_scale is one number, but there are \(subjects.count) subjects; give a table with a number in (0, 1] for each subject.")
            }
            return ratio > 0 ? [1, ratio] : [-ratio, 1]
        case .table(let table):
            if let stranger = table.keys.sorted().first(where: { key in !subjects.contains { $0.key == key } }) {
                throw SegMixError("relative_scale names the subject \"\(stranger)\", which is not in the id table; correct the key.")
            }
            var scales: [Double] = []
            for subject in subjects {
                guard let scale = table[subject.key] else {
                    throw SegMixError("relative_scale has no number for the subject \"\(subject.key)\"; give one in (0, 1].")
                }
                guard scale > 0 && scale <= 1 else {
                    throw SegMixError("relative_scale is \(scale) for the subject \"\(subject.key)\"; a number in (0, 1] is wanted.")
                }
                scales.append(scale)
            }
            return scales
        }
    }
}
