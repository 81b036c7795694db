import Foundation
import Testing

@testable import Jobs

@Suite struct SpecificationTests {
    private func read(_ text: String, settings: [String] = [], default inherited: String? = nil) -> (JobSpecification, [String]) {
        var layers = SpecificationLayers()
        if let inherited { layers.add(file: Array(inherited.utf8), name: "default.yaml") }
        layers.add(file: Array(text.utf8), name: "job.yaml")
        for setting in settings { layers.add(setting: setting) }
        let (specification, faults) = layers.resolve()
        return (specification, faults.map(\.description))
    }

    /// SEGMIX.md, section 3.
    @Test func defaults() {
        let (s, faults) = read("")
        #expect(faults == [])
        #expect(s == JobSpecification())
        #expect(s.resolution == 1024 && !s.centerCrop && s.trainBatchSize == 1 && s.gradientAccumulationSteps == 2)
        #expect(s.gradientCheckpointing == .auto && s.maxTrainSteps == 2010 && s.learningRate == 1e-4 && s.lrScheduler == .constant)
        #expect(s.lrWarmupSteps == 0 && s.lrNumCycles == 1 && s.lrPower == 1 && s.optimizer == .adamw)
        #expect(s.adamBeta1 == 0.9 && s.adamBeta2 == 0.999 && s.adamWeightDecay == 1e-4 && s.adamEpsilon == 1e-8 && s.maxGradNorm == 1)
        #expect(s.mixedPrecision == .no && s.rank == 32 && s.seed == 42 && s.repeats == 1)
        #expect(s.withPriorPreservation && s.priorLossWeight == 1 && s.numClassImages == 100 && s.dcoBeta == 0)
        #expect(s.segmixProbability == 0.3 && s.segmixStartStep == 0 && s.relativeScale == .number(0) && s.softAlpha == 1)
        #expect(!s.cropConditioning && s.latentPool == 0 && !s.normalizeMaskedLoss && s.saveSteps == 200 && s.outputKohyaFormat && !s.bestCheckpoint && s.rounds == 1)
        #expect(s.render.seeds == [42] && s.render.steps == 50 && s.render.guidance == 5)
    }

    @Test func theReferencesCommandLineAsASpecification() {
        let (s, faults) = read(
            """
            resolution: 1024
            train_batch_size: 1
            gradient_accumulation_steps: 2
            max_train_steps: 2010
            save_steps: 200
            rank: 32
            learning_rate: 1e-4
            with_prior_preservation: true
            num_class_images: 100
            segmix_prob: 0.3
            segmix_start_step: 0
            relative_scale: 0.0
            soft_alpha: 1.0
            seed: 42
            mixed_precision: no
            validation_prompt: a photo of a olis toy and a hta corgi
            """)
        #expect(faults == [])
        var expected = JobSpecification()
        expected.validationPrompt = "a photo of a olis toy and a hta corgi"
        #expect(s == expected)
    }

    /// Every key of the contract, none of them at its default.
    private static let everything = """
        model: tiny
        resolution: 256
        center_crop: yes
        train_batch_size: 2
        gradient_accumulation_steps: 3
        gradient_checkpointing: on
        max_train_steps: 2e2
        learning_rate: 5.0e-5
        lr_scheduler: cosine_with_restarts
        lr_warmup_steps: 5
        lr_num_cycles: 2
        lr_power: 1.5
        optimizer: AdamW
        adam_beta1: 0.8
        adam_beta2: .95
        adam_weight_decay: 0.01
        adam_epsilon: 1e-6
        max_grad_norm: 0.5
        mixed_precision: "no"
        rank: 4
        seed: 7
        repeats: 3
        with_prior_preservation: true
        prior_loss_weight: 0.25
        num_class_images: 16
        dco_beta: 1000
        segmix_prob: 1
        segmix_start_step: 10
        relative_scale: {b: 0.5, a: 1}
        soft_alpha: 0.2
        save_steps: 20
        checkpointing_steps: 30
        checkpoints_total_limit: 4
        validation_prompt: "a toy: on a #1 desk"
        num_validation_images: 2
        validation_steps: 40
        output_kohya_format: false
        best_checkpoint: true
        rounds: 2
        join: {candidates: 7, threshold: -0.5, most: 3}
        classes: {a: toy, b: corgi}
        crop_conditioning: true
        latent_pool: 16
        normalize_masked_loss: true
        on_missing_mask: skip
        prepare:
          photo_threshold: 0.1
          prior_threshold: 0.3
          least_threshold: 0.02
          merge_overlap: 0.6
          clear_factor: 2
          box_margin: 0.1
          saliency_threshold: 0.4
          least_agreement: 0.8
          most_rival: 0.2
          prior_attempts: 3
          prior_prompt: a drawing of a {class}
          prior_negative_prompt: ""
          prior_steps: 20
          prior_guidance: 7
          prior_batch_size: 4
        priority: -3
        not_before: 2031-05-01 22:00
        render:
          prompts: [one, "two: 2"]
          negative_prompt: ""
          seeds: [1, 2]
          steps: 20
          guidance: 7.5
          sampler: euler
          gamma: [0, 0.07]
          lora_scale: 0.8
          width: 96
          height: 64
          subjects: [b, a]
          layout: {b: [0.5, 0, 1, 0.75], a: [0, 0.25, 0.5, 1]}
        """

    @Test func everyKeyIsRead() throws {
        let (s, faults) = read(Self.everything)
        #expect(faults == [])
        #expect(s.model == "tiny" && s.resolution == 256 && s.centerCrop && s.trainBatchSize == 2 && s.gradientAccumulationSteps == 3)
        #expect(s.gradientCheckpointing == .on && s.maxTrainSteps == 200 && s.learningRate == 5e-5 && s.lrScheduler == .cosineWithRestarts)
        #expect(s.lrWarmupSteps == 5 && s.lrNumCycles == 2 && s.lrPower == 1.5 && s.adamBeta1 == 0.8 && s.adamBeta2 == 0.95)
        #expect(s.adamWeightDecay == 0.01 && s.adamEpsilon == 1e-6 && s.maxGradNorm == 0.5 && s.rank == 4 && s.seed == 7 && s.repeats == 3)
        #expect(s.withPriorPreservation && s.priorLossWeight == 0.25 && s.numClassImages == 16 && s.dcoBeta == 1000)
        #expect(s.segmixProbability == 1 && s.segmixStartStep == 10 && s.softAlpha == 0.2)
        #expect(s.relativeScale == .table([.init(subject: "a", scale: 1), .init(subject: "b", scale: 0.5)]))
        #expect(s.saveSteps == 20 && s.checkpointingSteps == 30 && s.checkpointsTotalLimit == 4 && s.validationPrompt == "a toy: on a #1 desk")
        #expect(s.numValidationImages == 2 && s.validationSteps == 40 && !s.outputKohyaFormat && s.bestCheckpoint && s.classes == ["a": "toy", "b": "corgi"])
        #expect(s.rounds == 2 && s.join.candidates == 7 && s.join.threshold == -0.5 && s.join.most == 3)
        #expect(s.cropConditioning && s.latentPool == 16 && s.normalizeMaskedLoss && s.priority == -3 && s.notBefore == "2031-05-01 22:00")
        #expect(s.render.prompts == ["one", "two: 2"] && s.render.negativePrompt == "" && s.render.seeds == [1, 2] && s.render.steps == 20)
        #expect(s.render.guidance == 7.5 && s.render.gamma == [0, 0.07] && s.render.loraScale == [0.8] && s.render.width == 96 && s.render.height == 64)
        #expect(s.render.subjects == ["b", "a"] && s.render.layout?.boxes.map(\.subject) == ["a", "b"] && s.render.layout?.boxes[1].y1 == 0.75)
        let p = s.prepare
        #expect(s.onMissingMask == .skip && p.photoThreshold == 0.1 && p.priorThreshold == 0.3 && p.leastThreshold == 0.02 && p.mergeOverlap == 0.6)
        #expect(p.clearFactor == 2 && p.boxMargin == 0.1 && p.saliencyThreshold == 0.4 && p.leastAgreement == 0.8 && p.mostRival == 0.2)
        #expect(p.priorAttempts == 3 && p.prompt(of: "corgi") == "a drawing of a corgi" && p.priorNegativePrompt == "" && p.priorSteps == 20)
        #expect(p.priorGuidance == 7 && p.priorBatchSize == 4)
        // Every key that there is was given another value above, so that no reading line can be missing.
        let keys = try #require(YAMLReader.parse(Array(Self.everything.utf8), file: "").entries?.map(\.key))
        #expect(Set(keys) == Set(JobSpecification.CodingKeys.allCases.map(\.rawValue)))
    }

    @Test func writtenAndReadAgainItIsTheSame() throws {
        let (s, _) = read(Self.everything)
        let (again, faults) = read(s.renderedYAML)
        #expect(faults == [])
        #expect(again == s)
        let (standard, none) = read(JobSpecification().renderedYAML)
        #expect(standard == JobSpecification() && none == [])
        // The largest numbers too: what a report could not say exactly is refused.
        let steps = ["segmix_start_step", "save_steps", "checkpointing_steps", "validation_steps"]
        for largest in [1 << 53, (1 << 53) - 1] {
            let (s, faults) = read(steps.map { "\($0): \(largest)\n" }.joined())
            #expect(faults == [] && s.saveSteps == largest && read(s.renderedYAML).0 == s && read(s.renderedYAML).1 == [])
        }
        #expect(read(steps.map { "\($0): \(Int.max)\n" }.joined()).1.count == steps.count)
        #expect(try JSONDecoder().decode(JobSpecification.self, from: JSONEncoder().encode(s)) == s)
        #expect(JobSpecification().renderedYAML.contains("\nlearning_rate: 0.0001\n"))
        #expect(JobSpecification().renderedYAML.contains("\nmixed_precision: no\n"))
    }

    @Test(arguments: ["", "no", "yes", "a: b", "1e5", "#x", "line\nbreak", "\u{85}\u{FEFF}ü😀", "\"q\" \\", "null", "word_1"])
    func quotedTextIsReadBack(_ text: String) throws {
        let root = try YAMLReader.parse(Array("k: \(JobSpecification.quoted(text))".utf8), file: "f")
        #expect(root["k"]?.text == text)
        #expect(root["k"]?.isNull == false)
    }

    @Test func dcoSwitchesPriorsOffUnlessAskedFor() {
        #expect(!read("dco_beta: 1000").0.withPriorPreservation)
        #expect(read("dco_beta: 1000\nwith_prior_preservation: true").0.withPriorPreservation)
        #expect(!read("with_prior_preservation: false").0.withPriorPreservation)
        #expect(read("", settings: ["dco_beta=0"], default: "dco_beta: 5").0.withPriorPreservation)
    }

    @Test func laterLayersWin() {
        let (s, faults) = read(
            "rank: 8\nseed: 2\nrender: {steps: 30}", settings: ["rank=16", "render.guidance=3", "validation_prompt=a toy: #1", "render.prompts=[a, b]"],
            default: "rank: 4\nresolution: 512\nseed: 1\nrender: {steps: 20, seeds: 9}")
        #expect(faults == [])
        #expect(s.rank == 16 && s.seed == 2 && s.resolution == 512)
        #expect(s.render.steps == 30 && s.render.seeds == [9] && s.render.guidance == 3 && s.render.prompts == ["a", "b"])
        #expect(s.validationPrompt == "a toy: #1")
    }

    @Test func nullLeavesWhatWasThere() {
        #expect(read("rank:\nseed: ~", default: "rank: 4").0.rank == 4)
        #expect(read("rank: 3", default: "rank:").0.rank == 3)
        // Of a shell's variable that is not set.
        let (s, faults) = read("rank: 8", settings: ["rank=", "validation_prompt= ", "render.negative_prompt=\"\""])
        #expect(s.rank == 8 && s.render.negativePrompt == "")
        #expect(faults.map(\.description) == [
            "--set rank: there is no value behind `rank=`; for an empty text write `rank=\"\"`, with the shell's quotes around it",
            "--set validation_prompt: there is no value behind `validation_prompt= `; for an empty text write `validation_prompt=\"\"`, with the shell's quotes around it",
        ])
        #expect(read("validation_prompt: 'none'\nmax_train_steps: 200.0").1 == [])
    }

    @Test(arguments: [
        ("max_train_steps: 2.000", "job.yaml:1: `max_train_steps` must be a whole number from 1 to 100000000, not '2.000'"),
        ("validation_prompt: none", "job.yaml:1: `validation_prompt` must be a text, not 'none'; leave the key out, or put the word in quotes"),
        ("render:\n  prompts: [a toy, No]", "job.yaml:2: `render.prompts` must be a text or a list of texts, not 'No'; leave the key out, or put the word in quotes"),
        ("render:\n  negative_prompt: false", "job.yaml:2: `render.negative_prompt` must be a text, not 'false'; write \"\" for an empty one, or put the word in quotes"),
        ("learnig_rate:", "job.yaml:1: unknown key `learnig_rate`; did you mean `learning_rate`?"),
        ("rank: 0", "job.yaml:1: `rank` must be a whole number from 1 to 4096, not '0'"),
        ("\nrank: many", "job.yaml:2: `rank` must be a whole number from 1 to 4096, not 'many'"),
        ("rank: '8'", "job.yaml:1: `rank` must be a whole number from 1 to 4096, not the text \"8\" in quotes"),
        ("rank: [8]", "job.yaml:1: `rank` must be a whole number from 1 to 4096, not a list"),
        ("rank: 1.5", "job.yaml:1: `rank` must be a whole number from 1 to 4096, not '1.5'"),
        ("resolution: 1000.5", "job.yaml:1: `resolution` must be a whole number from 32 to 4096 that is divisible by 8, not '1000.5'"),
        ("resolution: 1001", "job.yaml:1: `resolution` must be a whole number from 32 to 4096 that is divisible by 8, not '1001'"),
        ("resolution: 100000", "job.yaml:1: `resolution` must be a whole number from 32 to 4096 that is divisible by 8, not '100000'"),
        ("train_batch_size: 0", "job.yaml:1: `train_batch_size` must be a whole number from 1 to 1024, not '0'"),
        ("max_train_steps: -1", "job.yaml:1: `max_train_steps` must be a whole number from 1 to 100000000, not '-1'"),
        ("learning_rate: 0", "job.yaml:1: `learning_rate` must be a number above 0 and up to 10, not '0'"),
        ("learning_rate: nan", "job.yaml:1: `learning_rate` must be a number above 0 and up to 10, not 'nan'"),
        ("learning_rate: 1e-4 # fine\nlr_power: -1", "job.yaml:2: `lr_power` must be a number greater than 0, not '-1'"),
        ("adam_beta1: 1", "job.yaml:1: `adam_beta1` must be a number from 0 to below 1, not '1'"),
        ("adam_epsilon: 0", "job.yaml:1: `adam_epsilon` must be a number of at least 1e-30, not '0'"),
        ("num_class_images: 1000000000", "job.yaml:1: `num_class_images` must be a whole number from 1 to 100000, not '1000000000'"),
        ("max_grad_norm: 0", "job.yaml:1: `max_grad_norm` must be a number greater than 0, not '0'"),
        ("segmix_prob: 1.1", "job.yaml:1: `segmix_prob` must be a number from 0 to 1, not '1.1'"),
        ("soft_alpha: -0.1", "job.yaml:1: `soft_alpha` must be a number from 0 to 1, not '-0.1'"),
        ("dco_beta: -5", "job.yaml:1: `dco_beta` must be a number of at least 0, not '-5'"),
        ("seed: -1", "job.yaml:1: `seed` must be a whole number from 0 to 9007199254740992, not '-1'"),
        ("center_crop: 1", "job.yaml:1: `center_crop` must be true or false, not '1'"),
        ("relative_scale: 2", "job.yaml:1: `relative_scale` must be a number from -1 to 1, or a table subject: size, not '2'"),
        ("relative_scale: {a: 1, b: 0}", "job.yaml:1: `relative_scale.b` must be a number above 0 and up to 1, not '0'"),
        ("lr_scheduler: cosin", "job.yaml:1: `lr_scheduler` must be one of constant, constant_with_warmup, linear, cosine, cosine_with_restarts, polynomial, not 'cosin'; did you mean `cosine`?"),
        ("optimizer: prodigy", "job.yaml:1: `optimizer` must be `adamw`, not 'prodigy'"),
        ("mixed_precision: fp16", "job.yaml:1: `mixed_precision`: fp16 is not offered, because SDXL's numbers overflow in it; use `mixed_precision: no`"),
        ("mixed_precision: 16", "job.yaml:1: `mixed_precision` must be one of no, bf16, not '16'"),
        ("validation_prompt: ''", "job.yaml:1: `validation_prompt` must be a text, not the text \"\" in quotes"),
        ("classes: corgi", "job.yaml:1: `classes` must be a table of subject: class, not 'corgi'"),
        ("classes: {a: [x]}", "job.yaml:1: `classes.a` must be a text, not a list"),
        ("render: on", "job.yaml:1: `render` must be a table of prompts, negative_prompt, seeds, steps, guidance, sampler, gamma, lora_scale, width, height, subjects, layout, not 'on'"),
        ("render:\n  gamma: [0, -1]", "job.yaml:2: `render.gamma` must be a number from 0 to 10 or a list of them, not '-1'"),
        ("render:\n  sampler: ddpm", "job.yaml:2: `render.sampler` must be one of euler, euler_ancestral, ddim, dpmpp_2m, dpmpp_2m_karras, not 'ddpm'; did you mean `ddim`?"),
        ("render:\n  layout:\n    a: [0.5, 0, 0.5, 1]", "job.yaml:3: `render.layout.a` must be [x0, y0, x1, y1], four numbers from 0 to 1 with x0 < x1 and y0 < y1, not a list"),
        ("on_missing_mask: ignore", "job.yaml:1: `on_missing_mask` must be one of fail, skip, not 'ignore'"),
        ("prepare:\n  photo_treshold: 0.1", "job.yaml:2: unknown key `prepare.photo_treshold`; did you mean `photo_threshold`?"),
        ("prepare:\n  prior_threshold: 1", "job.yaml:2: `prepare.prior_threshold` must be a number from 0.01 to below 1, not '1'"),
        ("prepare:\n  least_threshold: 0.005", "job.yaml:2: `prepare.least_threshold` must be a number from 0.01 to 1, not '0.005'"),
        ("prepare:\n  prior_prompt: a photo of a corgi", "job.yaml:2: `prepare.prior_prompt` must name the class: write {class} where it belongs"),
        ("prepare:\n  prior_batch_size: 0", "job.yaml:2: `prepare.prior_batch_size` must be a whole number from 1 to 64, not '0'"),
        ("render:\n  promts: x", "job.yaml:2: unknown key `render.promts`; did you mean `prompts`?"),
        ("render:\n  subjects: []", "job.yaml:2: `render.subjects` must be a text or a list of texts, not an empty list"),
        ("render:\n  seeds: [1, x]", "job.yaml:2: `render.seeds` must be a whole number from 0 to 9007199254740992 or a list of them, not 'x'"),
        ("learnig_rate: 1", "job.yaml:1: unknown key `learnig_rate`; did you mean `learning_rate`?"),
        ("max-train-steps: 1", "job.yaml:1: unknown key `max-train-steps`; did you mean `max_train_steps`?"),
        ("random_flip: true", "job.yaml:1: `random_flip` is not offered: the reference accepts it and ignores it; pictures are never flipped. Remove it"),
        ("rounds: 3", "job.yaml:1: `rounds` must be a whole number from 1 to 2, not '3'"),
        ("join: 5", "job.yaml:1: `join` must be a table of candidates, threshold, most, not '5'"),
        ("join:\n  treshold: 0.2", "job.yaml:2: unknown key `join.treshold`; did you mean `threshold`?"),
        ("join:\n  threshold: 1.5", "job.yaml:2: `join.threshold` must be a number from -10 to 1, not '1.5'"),
        ("--random_flip: true", "job.yaml:1: `--random_flip` is not offered: the reference accepts it and ignores it; pictures are never flipped. Remove it"),
        ("train_text_encoder: true", "job.yaml:1: `train_text_encoder` is not offered: only the UNet's attention is trained. Remove it"),
        ("report_to: wandb", "job.yaml:1: `report_to` is not offered: metrics.jsonl and report.html always come with the result. Remove it"),
        ("pretrained_model_name_or_path: x", "job.yaml:1: `pretrained_model_name_or_path` is not offered: use `model: NAME`, a name from the configuration's `models`"),
        ("- rank", "job.yaml:1: a job specification is a table of `key: value` lines, not a list"),
    ])
    func eachFaultHasItsSentence(_ text: String, _ sentence: String) {
        #expect(read(text).1 == [sentence])
    }

    @Test func anUnknownKeyWithoutANeighbourListsTheKnownOnes() throws {
        let faults = read("xyzzy: 1").1
        #expect(faults.count == 1)
        #expect(faults[0].hasPrefix("job.yaml:1: unknown key `xyzzy`; the known ones are adam_beta1, "))
    }

    @Test func allFaultsAtOnce() {
        let (s, faults) = read("rank: 0\nseed: x\nlearnig_rate: 1\nsoft_alpha: 0.5")
        #expect(faults.count == 3)
        #expect(s.softAlpha == 0.5 && s.rank == 32)
    }

    @Test(arguments: [
        ("rank=x", "--set rank: `rank` must be a whole number from 1 to 4096, not 'x'"),
        ("rank", "--set: `rank` is not of the form key=value"),
        ("=3", "--set: `=3` is not of the form key=value"),
        ("render.=3", "--set: `render.=3` is not of the form key=value"),
        ("render.step=3", "--set render.step: unknown key `render.step`; did you mean `steps`?"),
        ("render.prompts=[a", "--set render.prompts: not valid YAML: did not find expected ',' or ']'"),
    ])
    func faultsOfSettingsNameTheOption(_ setting: String, _ sentence: String) {
        #expect(read("", settings: [setting]).1 == [sentence])
    }

    @Test func suggestions() {
        #expect(Suggestion.nearest(to: "ranc", among: ["rank", "seed"]) == "rank")
        #expect(Suggestion.nearest(to: "rnak", among: ["rank", "seed"]) == "rank")
        // The beginning of one word is that word, however near another is.
        #expect(Suggestion.nearest(to: "euler_a", among: ["euler", "euler_ancestral", "ddim"]) == "euler_ancestral")
        #expect(Suggestion.nearest(to: "eule", among: ["euler", "euler_ancestral", "ddim"]) == "euler")
        #expect(Suggestion.nearest(to: "xyz", among: ["rank", "seed"]) == nil)
    }
}
