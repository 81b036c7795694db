import Jobs

extension JobSpecification {
    /// Whether the validation pictures are rendered after a step: every `validation_steps`, and after the last one too where the final
    /// pictures do not show the same prompt.
    func drawsValidation(after step: Int) -> Bool {
        step > 0 && (step.isMultiple(of: validationSteps) || step == maxTrainSteps && !render.prompts.isEmpty && !render.prompts.contains { $0 == validationPrompt })
    }

    /// How often they are rendered in the steps after `step`.
    func validations(after step: Int) -> Int {
        let before = maxTrainSteps - 1
        return before / validationSteps - min(step, before) / validationSteps + (step < maxTrainSteps && drawsValidation(after: maxTrainSteps) ? 1 : 0)
    }

    /// How many times the validation pictures are rendered: on the way, and where `best_checkpoint` compares LoRAs, for those kept at
    /// other steps and for the last.
    var validationRounds: Int {
        let before = maxTrainSteps - 1, onTheWay = validations(after: 0)
        guard bestCheckpoint else { return onTheWay }
        // Steps that are multiples of both have their pictures already.
        let (common, overflows) = (saveSteps / greatestCommonDivisor(saveSteps, validationSteps)).multipliedReportingOverflow(by: validationSteps)
        return onTheWay + before / saveSteps - (overflows ? 0 : before / common) + (drawsValidation(after: maxTrainSteps) ? 0 : 1)
    }

    /// How many LoRAs `best_checkpoint` compares: those that were kept before the last step, and the last.
    var comparedCheckpoints: Int { (maxTrainSteps - 1) / saveSteps + 1 }

    private func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : greatestCommonDivisor(b, a % b) }
}
