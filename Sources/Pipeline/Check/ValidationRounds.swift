import Jobs

extension JobSpecification {
    /// How many times the validation pictures are rendered: every `validation_steps` before the last step, and where
    /// `best_checkpoint` compares LoRAs, for those kept at other steps and for the last.
    var validationRounds: Int {
        let before = maxTrainSteps - 1, onTheWay = before / validationSteps
        guard bestCheckpoint else { return onTheWay }
        // Steps that are multiples of both have their pictures already.
        let (common, overflows) = (saveSteps / greatestCommonDivisor(saveSteps, validationSteps)).multipliedReportingOverflow(by: validationSteps)
        return onTheWay + before / saveSteps - (overflows ? 0 : before / common) + 1
    }

    /// How many LoRAs `best_checkpoint` compares: those that were kept before the last step, and the last.
    var comparedCheckpoints: Int { (maxTrainSteps - 1) / saveSteps + 1 }

    private func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : greatestCommonDivisor(b, a % b) }
}
