import Files
import Foundation
import Jobs

/// A job that the program draws itself: photos of a toy robot and a spotted dog with their masks, priors and a spec.
enum DemoJob {
    /// The seed of everything that is drawn at random.
    static let seed: UInt64 = 2024

    /// Makes `folder` and everything in it; it appears whole or not at all and must not be there.
    ///
    /// `model` is the spec's `model`, `steps` its `max_train_steps`. Throws `FileError`.
    static func write(to folder: String, model: String? = nil, steps: Int = 16) throws {
        precondition(steps > 0, "DemoJob: \(steps) steps")
        try Directory.create(Directory.parent(of: folder))
        try AtomicDirectory.build(folder) { folder in
            try write(DemoPhotos.subjects, phrases: [("a", DemoPhotos.robotPhrase), ("b", DemoPhotos.dogPhrase)], list: "metadata.jsonl", to: folder)
            let prior = Directory.joined(folder, "prior")
            try Directory.create(prior)
            try write(
                DemoPhotos.priors(seed: seed), phrases: [("a", DemoPhotos.robotClass), ("b", DemoPhotos.dogClass)], list: "class_metadata.jsonl", to: prior)
            try AtomicFile.write(specification(model: model, steps: steps), to: Directory.joined(folder, "job.yaml"))
        }
    }

    private static func write(_ photos: [DemoPhoto], phrases: [(key: String, phrase: String)], list: String, to folder: String) throws {
        let table = phrases.map { "\(JSON.quoted($0.key)): \(JSON.quoted($0.phrase))" }.joined(separator: ", ")
        var lines = ["{\"id\": {\(table)}}"]
        for (i, photo) in photos.enumerated() {
            try photo.write(to: folder, seed: seed, index: i)
            let fields = [("id", photo.subject), ("file_name", photo.file), ("mask_path", photo.mask), ("text", photo.caption)]
            lines.append("{" + fields.map { "\"\($0.0)\": \(JSON.quoted($0.1))" }.joined(separator: ", ") + "}")
        }
        try AtomicFile.write(lines.joined(separator: "\n") + "\n", to: Directory.joined(folder, list))
    }

    private static func specification(model: String?, steps: Int) -> String {
        """
        # The demonstration: few steps on small pictures. A real job leaves most of this out; see the README.
        \(model.map { "model: \(JSON.quoted($0))\n" } ?? "")resolution: 256
        max_train_steps: \(steps)
        gradient_accumulation_steps: 2
        learning_rate: 1e-4
        rank: 8
        seed: 42
        with_prior_preservation: true
        num_class_images: 12
        segmix_prob: 0.5
        save_steps: \((steps + 1) / 2)
        checkpointing_steps: \((steps + 3) / 4)
        validation_prompt: a photo of a \(DemoPhotos.robotPhrase) and a \(DemoPhotos.dogPhrase), simple background.
        num_validation_images: 1
        classes:
          a: \(DemoPhotos.robotClass)
          b: \(DemoPhotos.dogClass)
        render:
          prompts:
            - a photo of a \(DemoPhotos.robotPhrase) and a \(DemoPhotos.dogPhrase) on the beach at sunset
          seeds: [1, 2]
          steps: 12

        """
    }
}
