extension JobSpecification {
    /// Reads a specification that is already merged from its layers; see `SpecificationLayers`.
    ///
    /// - Returns: the specification, with the default where a value is at fault, and every fault.
    static func read(_ root: YAMLNode) -> (JobSpecification, [Fault]) {
        guard let entries = root.entries else {
            return (.init(), [root.location.fault("a job specification is a table of `key: value` lines, not \(root.quoted)")])
        }
        let values = KeyedValues(entries)
        let specification = JobSpecification(values)
        values.reportUnknownKeys(refused: RefusedKeys.reasons)
        return (specification, values.faults)
    }

    private init(_ values: KeyedValues) {
        self.init()
        let key = { (key: CodingKeys) in key.rawValue }
        model = values.string(key(.model))

        resolution = values.integer(key(.resolution), 32...4096, multipleOf: 8, default: resolution)
        centerCrop = values.boolean(key(.centerCrop), default: centerCrop)
        repeats = values.integer(key(.repeats), 1...10_000, default: repeats)
        segmixProbability = values.number(key(.segmixProbability), .fraction, default: segmixProbability)
        segmixStartStep = values.integer(key(.segmixStartStep), 0...1 << 53, default: segmixStartStep)
        relativeScale = values.relativeScale(key(.relativeScale))
        softAlpha = values.number(key(.softAlpha), .fraction, default: softAlpha)
        cropConditioning = values.boolean(key(.cropConditioning), default: cropConditioning)
        latentPool = values.integer(key(.latentPool), 0...1_000_000, default: latentPool)

        normalizeMaskedLoss = values.boolean(key(.normalizeMaskedLoss), default: normalizeMaskedLoss)
        dcoBeta = values.number(key(.dcoBeta), .atLeastZero, default: dcoBeta)
        withPriorPreservation = values.boolean(key(.withPriorPreservation), default: dcoBeta == 0)
        priorLossWeight = values.number(key(.priorLossWeight), .atLeastZero, default: priorLossWeight)
        numClassImages = values.integer(key(.numClassImages), 1...100_000, default: numClassImages)

        trainBatchSize = values.integer(key(.trainBatchSize), 1...1024, default: trainBatchSize)
        gradientAccumulationSteps = values.integer(key(.gradientAccumulationSteps), 1...65_536, default: gradientAccumulationSteps)
        gradientCheckpointing = values.gradientCheckpointing(key(.gradientCheckpointing), default: gradientCheckpointing)
        maxTrainSteps = values.integer(key(.maxTrainSteps), 1...100_000_000, default: maxTrainSteps)
        learningRate = values.number(key(.learningRate), NumberRange(lower: 0, includesLower: false, upper: 10), default: learningRate)
        lrScheduler = values.choice(key(.lrScheduler), default: lrScheduler)
        lrWarmupSteps = values.integer(key(.lrWarmupSteps), 0...100_000_000, default: lrWarmupSteps)
        lrNumCycles = values.integer(key(.lrNumCycles), 1...1_000_000, default: lrNumCycles)
        lrPower = values.number(key(.lrPower), .aboveZero, default: lrPower)
        if lrScheduler == .polynomial, learningRate <= 1e-7, let node = values.value(key(.learningRate)) {
            values.report(node, "`lr_scheduler: polynomial` ends at a rate of 1e-7, and `learning_rate` is not above it; raise it, or use `lr_scheduler: linear`")
        }
        optimizer = values.choice(key(.optimizer), default: optimizer)
        adamBeta1 = values.number(key(.adamBeta1), .decay, default: adamBeta1)
        adamBeta2 = values.number(key(.adamBeta2), .decay, default: adamBeta2)
        adamWeightDecay = values.number(key(.adamWeightDecay), .atLeastZero, default: adamWeightDecay)
        adamEpsilon = values.number(key(.adamEpsilon), NumberRange(lower: 1e-30), default: adamEpsilon)
        maxGradNorm = values.number(key(.maxGradNorm), .aboveZero, default: maxGradNorm)
        mixedPrecision = values.mixedPrecision(key(.mixedPrecision), default: mixedPrecision)
        rank = values.integer(key(.rank), 1...4096, default: rank)
        seed = values.integer(key(.seed), 0...1 << 53, default: seed)

        saveSteps = values.integer(key(.saveSteps), 1...1 << 53, default: saveSteps)
        checkpointingSteps = values.integer(key(.checkpointingSteps), 1...1 << 53, default: checkpointingSteps)
        checkpointsTotalLimit = values.integer(key(.checkpointsTotalLimit), 1...100_000, default: checkpointsTotalLimit)
        validationPrompt = values.string(key(.validationPrompt))
        numValidationImages = values.integer(key(.numValidationImages), 1...1000, default: numValidationImages)
        validationSteps = values.integer(key(.validationSteps), 1...1 << 53, default: saveSteps)
        outputKohyaFormat = values.boolean(key(.outputKohyaFormat), default: outputKohyaFormat)
        bestCheckpoint = values.boolean(key(.bestCheckpoint), default: bestCheckpoint)

        rounds = values.integer(key(.rounds), 1...2, default: rounds)
        if let table = values.table(key(.join), of: JoinSpecification.CodingKeys.allCases.map(\.rawValue).joined(separator: ", ")) {
            join = JoinSpecification(table)
            values.report(table.faults)
        }

        if let table = values.table(key(.classes), of: "subject: class") {
            for entry in table.entries { classes[entry.key] = table.string(entry.key) }
            values.report(table.faults)
        }
        onMissingMask = values.choice(key(.onMissingMask), default: onMissingMask)
        if let table = values.table(key(.prepare), of: PrepareSpecification.CodingKeys.allCases.map(\.rawValue).joined(separator: ", ")) {
            prepare = PrepareSpecification(table)
            values.report(table.faults)
        }
        priority = values.integer(key(.priority), -1000...1000, default: priority)
        notBefore = values.string(key(.notBefore))
        if let text = notBefore, StartTime.date(text) == nil, let node = values.value(key(.notBefore)) {
            notBefore = values.wrong(node, key(.notBefore), "a date, with or without a time, such as `2026-12-24 22:00`", nil)
        }
        render.seeds = [seed]
        if let table = values.table(key(.render), of: RenderSpecification.CodingKeys.allCases.map(\.rawValue).joined(separator: ", ")) {
            render = RenderSpecification(table, seed: seed)
            values.report(table.faults)
        }
    }
}

extension KeyedValues {
    /// `no` and `bf16`; what the reference knows beyond that is refused by name.
    func mixedPrecision(_ key: String, default fallback: JobSpecification.MixedPrecision) -> JobSpecification.MixedPrecision {
        guard let node = value(key), let text = node.text?.lowercased() else { return choice(key, default: fallback) }
        switch text {
        case "false", "none", "fp32", "float32", "off": return .no
        case "bfloat16": return .bf16
        case "fp16", "float16", "fp8", "half":
            report(node, "`\(key)`: \(text) is not offered, because SDXL's numbers overflow in it; use `mixed_precision: no`")
            return fallback
        default: return choice(key, default: fallback)
        }
    }
}
