import Jobs

/// What of the first round joined the second, and what came of it.
extension ReportPage {
    func roundsSection() throws -> HTML {
        guard let rounds = contents.rounds else { return "" }
        let joined = rounds.joined, rest = rounds.candidates.filter { !$0.joined }
        let figures = try joined.map { try figure($0.file, "\($0.score.threeDigits) · seed \($0.seed) · \($0.file)", side: 360) }
        // Why the others stayed out: what has a reason shows the wrong number of objects.
        let wrong = rest.count { $0.reason != nil }, low = rest.count { $0.reason == nil && $0.score < rounds.threshold }
        let reasons = [(wrong, "did not show each subject once"), (low, "scored less"), (rest.count - wrong - low, "scored enough, but less than these")]
            .filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
        let others: HTML = rest.isEmpty ? "" : "<p>Of \(rest.count) others \(reasons).</p>"
        return section("Second round", """
            <p>\(rounds.sentence).</p>
            <p>\(rounds.candidates.count) pictures were drawn with <code>\(rounds.candidates.first?.lora ?? "")</code> and scored by Detect-and-Compare. \
            The best join the photos: at most \(rounds.most), with a score of \(NumberRange.short(rounds.threshold)) or more.</p>
            \(comparison(rounds))\(figures.isEmpty ? "" : "<div class=\"pictures\">\(figures)</div>" as HTML)\(others)
            <div class="wide"><img class="sheet" src="\(jpeg: try sheetPreview(rounds.contactSheet))" alt="The pictures that might have joined"></div>
            """)
    }

    private func comparison(_ rounds: RoundsReport) -> HTML {
        // With `best_checkpoint` the final pictures may be of either round; its own table compares.
        guard let first = rounds.first, contents.bestCheckpoint == nil else { return "" }
        func row(_ number: Int, _ scores: ReportScores?, _ files: [String]) -> HTML {
            let mark: HTML = rounds.better == number ? " class=\"best\"" : ""
            return """
                <tr\(mark)><td>\(number)</td><td>\(scores.map { $0.mean.threeDigits } ?? "–")</td>\
                <td>\((scores?.pictures ?? []).map(\.score.threeDigits).joined(separator: " "))</td><td><code>\(files.first ?? "")</code></td></tr>
                """
        }
        return """
            <div class="wide"><table><tr><th>round</th><th>final pictures</th><th>each of them</th><th>LoRA</th></tr>\
            \(row(1, first.scores, first.files))\(row(2, contents.scores, contents.files))</table></div>
            """
    }
}
