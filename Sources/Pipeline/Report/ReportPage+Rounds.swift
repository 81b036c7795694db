import Foundation

/// What of the first round joined the second, and what came of it.
extension ReportPage {
    func roundsSection() throws -> HTML {
        guard let rounds = contents.rounds else { return "" }
        func number(_ value: Double) -> String { String(format: "%.3f", value) }
        let joined = rounds.joined, rest = rounds.candidates.filter { !$0.joined }
        let figures = try joined.map { try figure($0.file, "\(number($0.score)) · seed \($0.seed) · \($0.file)", side: 360) }
        // Why the others stayed out: what has a reason shows the wrong number of objects.
        let wrong = rest.count { $0.reason != nil }, low = rest.count { $0.reason == nil && $0.score < rounds.threshold }
        let reasons = [(wrong, "did not show each subject once"), (low, "scored less"), (rest.count - wrong - low, "scored enough, but less than these")]
            .filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
        let others: HTML = rest.isEmpty ? "" : "<p>Of \(rest.count) others \(reasons).</p>"
        return section("Second round", """
            <p>\(rounds.sentence).</p>
            <p>\(rounds.candidates.count) pictures were drawn with <code>\(rounds.candidates.first?.lora ?? "")</code> and scored by Detect-and-Compare. \
            The best join the photos: at most \(rounds.most), with a score of \(RenderedPicture.plain(rounds.threshold)) or more.</p>
            \(comparison(rounds))\(figures.isEmpty ? "" : "<div class=\"pictures\">\(figures)</div>" as HTML)\(others)
            <div class="wide"><img class="sheet" src="\(jpeg: try sheetPreview(rounds.contactSheet))" alt="The pictures that might have joined"></div>
            """)
    }

    private func comparison(_ rounds: RoundsReport) -> HTML {
        // With `best_checkpoint` the final pictures may be of either round; its own table compares.
        guard let first = rounds.first, contents.bestCheckpoint == nil else { return "" }
        func row(_ number: Int, _ scores: ReportScores?, _ files: [String]) -> HTML {
            func text(_ value: Double) -> String { String(format: "%.3f", value) }
            let mark: HTML = rounds.better == number ? " class=\"best\"" : ""
            return """
                <tr\(mark)><td>\(number)</td><td>\(scores.map { text($0.mean) } ?? "–")</td>\
                <td>\((scores?.pictures ?? []).map { text($0.score) }.joined(separator: " "))</td><td><code>\(files.first ?? "")</code></td></tr>
                """
        }
        return """
            <div class="wide"><table><tr><th>round</th><th>final pictures</th><th>each of them</th><th>LoRA</th></tr>\
            \(row(1, first.scores, first.files))\(row(2, contents.scores, contents.files))</table></div>
            """
    }
}
