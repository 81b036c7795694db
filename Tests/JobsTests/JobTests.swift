import Foundation
import TestFolders
import Testing

@testable import Jobs

@Suite struct JobTests {
    private func faults(_ folder: TemporaryFolder, specification: String? = nil, configuration: Configuration? = nil, settings: [String] = []) -> [String] {
        do throws(FaultList) {
            _ = try Job.load(JobFolder(folder.path), specificationFile: specification, configuration: configuration, settings: settings)
            return []
        } catch {
            return error.faults.map(\.description)
        }
    }

    @Test func whatIsInOrder() throws {
        let folder = try makeJobFolder()
        let job = try Job.load(JobFolder(folder.path + "/"), settings: ["classes.a=plush toy"])
        #expect(job.specificationFile == "job.yaml")
        #expect(job.photos.photos.count == 3)
        #expect(job.priors?.photos.map(\.file) == ["prior/a00.jpg", "prior/b00.jpg"])
        #expect(job.photos.subjects.map(job.className) == ["corgi", "plush toy"])
        #expect(job.warnings == [])
    }

    @Test func withoutPriorPreservationThePriorsAreNotRead() throws {
        let folder = try makeJobFolder()
        try folder.write("rubbish", to: "prior/class_metadata.jsonl")
        #expect(faults(folder, settings: ["dco_beta=1000"]) == [])
        #expect(try Job.load(JobFolder(folder.path), settings: ["with_prior_preservation=false"]).priors == nil)
    }

    @Test(arguments: [
        ("relative_scale: {a: 1}", #"job.yaml:1: `relative_scale` leaves out "b"; name every subject ("b", "a")"#),
        ("relative_scale: {a: 1, b: 1, c: 1}", #"job.yaml:1: `relative_scale` names the subject "c", which metadata.jsonl does not have ("b", "a")"#),
        ("classes: {z: toy}", #"job.yaml:1: `classes` names the subject "z", which metadata.jsonl does not have ("b", "a")"#),
        ("best_checkpoint: true", #"job.yaml:1: `best_checkpoint` compares pictures of `validation_prompt`, which is not given; add one that names “hta corgi” and “olis toy”"#),
        ("best_checkpoint: true\nvalidation_prompt: an OLIS Toy and a corgi", #"job.yaml:2: `best_checkpoint` compares pictures of every subject, and `validation_prompt` does not name “hta corgi”; write a prompt with “hta corgi” and “olis toy”, word for word"#),
        ("rounds: 2", #"job.yaml:1: `rounds: 2` draws pictures of every subject, and no prompt of `render.prompts` and no `validation_prompt` names them all; add one with “hta corgi” and “olis toy”, word for word"#),
        ("rank: 4\nrounds: 2\nvalidation_prompt: hta corgi\nrender: {prompts: [olis toy, hta red corgi and olis toy]}", #"job.yaml:2: `rounds: 2` draws pictures of every subject, and no prompt of `render.prompts` and no `validation_prompt` names them all; add one with “hta corgi” and “olis toy”, word for word"#),
        ("num_class_images: 1", #"job.yaml:1: `num_class_images: 1` leaves a subject without prior images; use at least 2, one for each"#),
    ])
    func specificationAndMetadataAgree(_ text: String, _ sentence: String) throws {
        let folder = try makeJobFolder()
        try folder.write(text, to: "job.yaml")
        #expect(faults(folder) == [sentence])
    }

    @Test func twoSubjectsOfOnePhrase() throws {
        let folder = try makeJobFolder()
        let list = try String(contentsOfFile: folder.path + "/metadata.jsonl", encoding: .utf8)
        try folder.write(list.replacing("olis toy", with: "HTA  corgi"), to: "metadata.jsonl")
        #expect(faults(folder).contains(#"metadata.jsonl:1: the subjects "b" and "a" have the same phrase, "HTA  corgi", and no prompt could tell them apart; give each a rare word of its own"#))
    }

    /// Without a list of prior images too, which would have to be drawn.
    @Test func everySubjectHasAPriorImage() throws {
        let folder = try makeJobFolder()
        try FileManager.default.removeItem(atPath: folder.path + "/prior")
        #expect(faults(folder, settings: ["num_class_images=1"]) == ["--set num_class_images: `num_class_images: 1` leaves a subject without prior images; use at least 2, one for each"])
        #expect(faults(folder, settings: ["num_class_images=1", "dco_beta=1000"]) == [])
    }

    /// More prior images than are asked for: the rest is not used in silence.
    @Test func priorsThatAreLeftOutAreSaid() throws {
        let folder = try makeJobFolder(), list = "prior/class_metadata.jsonl"
        var text = try String(contentsOfFile: folder.path + "/" + list, encoding: .utf8).trimmingCharacters(in: .newlines)
        for name in ["a01.jpg", "a02.jpg"] {
            try folder.write("x", to: "prior/" + name)
            text += "\n" + text.split(separator: "\n").first { $0.contains("a00.jpg") }!.replacing("\"a00.jpg\"", with: "\"\(name)\"")
        }
        try folder.write(text + "\n", to: list)
        #expect(try !Job.load(JobFolder(folder.path)).warnings.contains { $0.contains("left out") })
        let job = try Job.load(JobFolder(folder.path), settings: ["num_class_images=3"])
        #expect(job.warnings.contains("1 of 4 prior images are left out: num_class_images is 3") && job.priors?.photos.count == 3)
    }

    /// Slips of copy and paste are said.
    @Test func masksAndPromptsThatLookWrong() throws {
        let folder = try makeJobFolder()
        let job = try Job.load(JobFolder(folder.path), settings: ["render.prompts=[a hta corgi, simple background.]"])
        #expect(job.warnings == ["the prompt “simple background.” of render.prompts names no subject (a prompt with a comma needs quotes between brackets)"])
        var shared = job
        shared.specification.render.prompts = []
        shared.photos.photos[1].mask = job.photos.photos[0].mask
        let (mask, one, other) = (job.photos.photos[0].mask!, job.photos.photos[0].file, job.photos.photos[1].file)
        #expect(shared.warnings == ["\(mask) is the mask of \(one) and of \(other): is it both?"])
    }

    /// A line that was copied keeps what it said of another.
    @Test func captionsAndClassesThatLookWrong() throws {
        let folder = try makeJobFolder()
        let job = try Job.load(JobFolder(folder.path))
        var other = job
        let (first, second) = (job.photos.photos[0], job.photos.subjects.first { $0.key != job.photos.photos[0].subject }!)
        let own = job.photos.subjects.first { $0.key == first.subject }!
        other.photos.photos[0].captions = ["A photo of a \(own.phrase)", "A \(second.phrase.uppercased()) in the snow", "nothing"]
        #expect(other.warnings == ["a caption of \(first.file) does not name “\(own.phrase)”, but “\(second.phrase)”: “A \(second.phrase.uppercased()) in the snow”"])
        other = job
        for i in other.photos.photos.indices { other.photos.photos[i].captions = ["on a desk"] }
        #expect(other.warnings.count == min(5, job.photos.photos.count) && other.warnings[0] == "a caption of \(first.file) does not name “\(own.phrase)”: “on a desk”")
        // A photo of two, of which somebody copied the line.
        other = job
        other.photos.photos.append(first)
        other.photos.photos[other.photos.photos.count - 1].subject = second.key
        other.photos.photos[other.photos.photos.count - 1].captions = ["a \(second.phrase)"]
        #expect(other.warnings == ["\(first.mask!) is the mask of \"\(own.key)\" and of \"\(second.key)\" in \(first.file): is it both?"])
        // A rare word alone is no class.
        other = job
        other.priors = nil
        other.photos.subjects[0].phrase = "sks"
        for i in other.photos.photos.indices { other.photos.photos[i].captions = ["sks \(job.photos.subjects[1].phrase)"] }
        #expect(other.warnings.contains { $0.hasPrefix("“sks” is one word, and so it is taken for the class of") } == (other.specification.classes[job.photos.subjects[0].key] == nil))
    }

    @Test func promptsOfEverySubject() throws {
        let folder = try makeJobFolder()
        func prompts(_ settings: String...) throws -> [String] {
            let job = try Job.load(JobFolder(folder.path), settings: settings)
            return job.specification.promptsOfAll(job.photos.subjects)
        }
        let validation = "validation_prompt=a HTA corgi, an olis toy"
        #expect(try prompts(validation) == ["a HTA corgi, an olis toy"])
        #expect(try prompts(validation, "render.prompts=[olis toy]") == ["a HTA corgi, an olis toy"])
        #expect(try prompts(validation, "render.prompts=[olis toy, hta corgi by an Olis Toy]") == ["hta corgi by an Olis Toy"])
        #expect(try prompts("render.prompts=[olis toy]").isEmpty)
        #expect(try Job.load(JobFolder(folder.path), settings: ["join.most=2"]).warnings == ["join has no effect without `rounds: 2`"])
        #expect(try Job.load(JobFolder(folder.path), settings: [validation, "rounds=2", "join.most=2"]).warnings.isEmpty)
        #expect(try Job.load(JobFolder(folder.path), settings: ["render.subjects=[a]", "render.gamma=0"]).warnings.first?.contains("have no effect with render.gamma 0") == true)
        #expect(try Job.load(JobFolder(folder.path), settings: ["render.subjects=[a]"]).warnings.isEmpty)
    }

    @Test func oneSubjectOnly() throws {
        let folder = try makeJobFolder()
        try folder.write("{\"id\": {\"a\": \"olis toy\"}}\n{\"id\": \"a\", \"file_name\": \"a00.jpg\", \"mask_path\": \"mask_a00.jpg\"}\n", to: "metadata.jsonl")
        #expect(faults(folder, settings: ["with_prior_preservation=no"])
            == [#"metadata.jsonl:1: there is only one subject ("a"), but composites of two are asked for; add a second subject, or set `segmix_prob: 0`"#])
        #expect(faults(folder, settings: ["with_prior_preservation=no", "segmix_prob=0"]) == [])
    }

    @Test func relativeScaleOfThree() throws {
        let folder = try makeJobFolder()
        let text = try folder.read("metadata.jsonl").replacing(#""a": "olis toy""#, with: #""a": "olis toy", "c": "sks cat""#)
        try folder.write(text + "\n" + #"{"id": "c", "file_name": "a00.jpg", "mask_path": "mask_a00.jpg"}"#, to: "metadata.jsonl")
        #expect(faults(folder, settings: ["relative_scale=0.5", "dco_beta=1"])
            == ["--set relative_scale: `relative_scale` as a number is for two subjects, and there are 3; write a table: {b: 1, a: 1, c: 1}"])
        #expect(faults(folder, settings: ["relative_scale={a: 1, b: 0.5, c: 0.2}", "dco_beta=1"]) == [])
    }

    @Test func aPhotoWithoutMask() throws {
        let folder = try makeJobFolder()
        let text = try folder.read("metadata.jsonl").replacing(#", "mask_path": "mask_b00.jpg""#, with: "")
        try folder.write(text, to: "metadata.jsonl")
        // It can be made, so it is no fault of the folder.
        #expect(faults(folder) == [])
        let job = try Job.load(JobFolder(folder.path))
        #expect(job.unmasked.map(\.file) == ["b00.jpg"])
        #expect(job.missing.map(\.description) == [#"metadata.jsonl:4: the photo b00.jpg has no mask; paint one and name it with "mask_path", let `segmix prepare` or `segmix run` make it, or set `segmix_prob: 0`"#])
        #expect(try Job.load(JobFolder(folder.path), settings: ["segmix_prob=0"]).missing == [])
    }

    @Test func foldersInsteadOfMetadata() throws {
        let folder = try TemporaryFolder()
        for name in ["olis toy/2.JPG", "olis toy/1.png", "olis toy/mask_1.jpg", "hta_corgi/x.jpeg", "hta_corgi/Mask_X.PNG", "hta_corgi/extra.png", "hta_corgi/X.png", "hta_corgi/mask_x.png", "notes/a.txt", "prior/z.jpg", "set/metadata.jsonl", "set/a.jpg"] {
            try folder.write("x", to: name)
        }
        try folder.write("", to: "job.yaml")
        try folder.write("x", to: "hta_corgi/._x.jpeg")
        #expect(try JobFolder(folder.path).faults(hasDefaultJob: false) == [])
        #expect(faults(folder).map { $0.prefix(26) } == ["prior/class_metadata.jsonl"])
        let job = try Job.load(JobFolder(folder.path), settings: ["dco_beta=1"])
        #expect(job.photos.isInferred && job.photos.subjects == [.init(key: "a", phrase: "hta corgi"), .init(key: "b", phrase: "olis toy")])
        #expect(job.photos.photos.map(\.file) == ["hta_corgi/X.png", "hta_corgi/extra.png", "hta_corgi/x.jpeg", "olis toy/1.png", "olis toy/2.JPG"])
        #expect(job.photos.photos.map(\.mask) == ["hta_corgi/Mask_X.PNG", nil, "hta_corgi/mask_x.png", "olis toy/mask_1.jpg", nil])
        #expect(job.photos.photos.map(\.captions) == [["A photo of a hta corgi"], ["A photo of a hta corgi"], ["A photo of a hta corgi"], ["A photo of a olis toy"], ["A photo of a olis toy"]])
        #expect(job.missing.map { $0.description.prefix { $0 != "," } } == [
            "hta_corgi/extra.png: has no mask; paint one and save it as hta_corgi/mask_extra.png",
            "olis toy/2.JPG: has no mask; paint one and save it as olis toy/mask_2.png",
        ])
        // Written out, the list is metadata that reads the same.
        try folder.write(job.photos.metadataLines(), to: "metadata.jsonl")
        let again = try Job.load(JobFolder(folder.path), settings: ["dco_beta=1"])
        #expect(!again.photos.isInferred && again.photos.subjects == job.photos.subjects && again.photos.photos == job.photos.photos)
    }

    /// What would be missed in the morning is said in the evening.
    @Test func picturesThatCannotBeMeantAreFaults() throws {
        let folder = try TemporaryFolder()
        for name in ["olis toy/1.png", "olis toy/mask_2.png", "olis toy/IMG_2.HEIC", "hta_corgi/x.jpeg", "third one/IMG_1.webp"] { try folder.write("x", to: name) }
        try folder.write("dco_beta: 1", to: "job.yaml")
        let kind = "is a picture of a kind that is not read; save it as JPEG or PNG, or take it out of the folder"
        #expect(Set(faults(folder)) == [
            "olis toy/mask_2.png: is called like the mask of a photo that is not there; add the photo, or give it another name",
            "olis toy/IMG_2.HEIC: \(kind)", "third one/IMG_1.webp: \(kind)",
        ])
    }

    /// Macs take an accent apart from its letter, Windows does not, and a name may cross between them.
    @Test(arguments: [("e\u{301}.jpg", "\u{e9}.jpg"), ("\u{e9}.jpg", "e\u{301}.jpg")]) func accentsApartOrNot(_ disk: String, _ written: String) throws {
        let folder = try makeJobFolder()
        try FileManager.default.moveItem(atPath: folder.path + "/a00.jpg", toPath: folder.path + "/aside")
        try #require(rename(folder.path + "/aside", folder.path + "/" + disk) == 0)
        try folder.write(folder.read("metadata.jsonl").replacing("\"a00.jpg\"", with: "\"\(written)\""), to: "metadata.jsonl")
        let file = try #require(try Job.load(JobFolder(folder.path)).photos.photos.first?.file)
        #expect(Array(file.utf8) == Array(disk.utf8))
    }

    @Test func priors() throws {
        let folder = try makeJobFolder()
        let whole = try folder.read("prior/class_metadata.jsonl")
        try FileManager.default.removeItem(atPath: folder.path + "/prior/class_metadata.jsonl")
        #expect(faults(folder) == ["prior/class_metadata.jsonl: is not there, but the folder prior is; add the list of its images, or remove the folder to have prior images made"])
        try FileManager.default.moveItem(atPath: folder.path + "/prior", toPath: folder.path + "/away")
        #expect(try Job.load(JobFolder(folder.path)).missing.map(\.description) == ["prior/class_metadata.jsonl: is not there, but `with_prior_preservation` (true unless it says otherwise) needs prior images with their list; let `segmix prepare` or `segmix run` make them, add the folder prior, or set `with_prior_preservation: false`, or `dco_beta: 1000`"])
        #expect(try !Job.load(JobFolder(folder.path), settings: ["dco_beta=1000"]).lacksPriors)
        try FileManager.default.moveItem(atPath: folder.path + "/away", toPath: folder.path + "/prior")
        try folder.write("{\"id\": {\"a\": \"toy\"}}\n" + whole.split(separator: "\n")[1], to: "prior/class_metadata.jsonl")
        #expect(faults(folder) == [#"prior/class_metadata.jsonl:1: has no prior images for the subject "b" of metadata.jsonl; add them, or set `with_prior_preservation: false`"#])
        try folder.write("{\"id\": {\"a\": \"toy\", \"b\": \"dog\"}}\n" + whole.split(separator: "\n")[1], to: "prior/class_metadata.jsonl")
        #expect(faults(folder) == [#"prior/class_metadata.jsonl: the subject "b" (dog) has no photo; add a line with "id": "b", or set `with_prior_preservation: false`"#])
        try folder.write(whole.replacing(#""b""#, with: #""c""#), to: "prior/class_metadata.jsonl")
        #expect(faults(folder).contains(#"prior/class_metadata.jsonl:1: names the subject "c", which metadata.jsonl does not have; both tables must have the same keys"#))
        try folder.write(whole.replacing(#", "mask_path": "mask_b00.jpg""#, with: ""), to: "prior/class_metadata.jsonl")
        #expect(try Job.load(JobFolder(folder.path)).missing.map(\.description) == [#"prior/class_metadata.jsonl:3: the prior image prior/b00.jpg has no mask; paint one and name it with "mask_path", let `segmix prepare` or `segmix run` make it, or set `segmix_prob: 0`"#])
        try folder.write(whole.replacing("a00.jpg\", \"mask", with: "../a00.jpg\", \"mask"), to: "prior/class_metadata.jsonl")
        #expect(faults(folder) == [#"prior/class_metadata.jsonl:2: file_name "../a00.jpg" leaves the job's folder (`..`); copy the file into the job's folder"#])
    }

    @Test func everyFaultOfEveryFileAtOnceInReadingOrder() throws {
        let folder = try makeJobFolder()
        try folder.write("soft_alpha: 2\nrank: 0\n", to: "job.yaml")
        try folder.write(try folder.read("metadata.jsonl").replacing("a01.jpg", with: "a07.jpg"), to: "metadata.jsonl")
        try folder.write("x", to: "prior/class_metadata.jsonl")
        #expect(faults(folder).map { $0.split(separator: " ")[0] } == ["job.yaml:1:", "job.yaml:2:", "metadata.jsonl:3:", "metadata.jsonl:3:", "prior/class_metadata.jsonl:1:"])
    }

    @Test func specificationsOfAFolder() throws {
        let folder = try makeJobFolder()
        for name in ["b.YML", ".hidden.yaml", "._job.yaml", "c.yaml.tmp", "notes.txt"] { try folder.write("rank: 2", to: name) }
        try folder.write("x", to: "dir.yaml/x")
        #expect(try JobFolder(folder.path).specificationFiles().map(\.file) == ["b.YML", "job.yaml"])
        #expect(try JobFolder(folder.path).specificationFiles().map(\.name) == ["b", "job"])
        let name = JobFolder(folder.path).name
        #expect(faults(folder) == ["the folder \(name) has several job specifications (b.YML, job.yaml); say which one with `--spec`"])
        #expect(try Job.load(JobFolder(folder.path), specificationFile: "b.YML").specification.rank == 2)
        #expect(faults(folder, specification: "z.yaml") == ["z.yaml: is not there; the folder has b.YML, job.yaml"])
    }

    @Test func folderFaults() throws {
        let folder = try TemporaryFolder()
        let name = JobFolder(folder.path).name
        try folder.write("x", to: "a.jpg")
        #expect(try JobFolder(folder.path).faults(hasDefaultJob: false).map(\.description) == [
            "the folder \(name) has no metadata.jsonl, which lists its subjects and photos; the README shows how to write it",
            "the folder \(name) has no job specification; add a job.yaml (an empty one takes every default), or set `default_job` in the daemon's configuration",
        ])
        try folder.write("", to: "Job.YAML.txt")
        let near = "no job specification; it has Job.YAML.txt: take the .txt off its name, which Windows may hide"
        #expect(try JobFolder(folder.path).faults(hasDefaultJob: false)[1].description == "the folder \(name) has \(near)")
        try folder.write("x", to: "set/metadata.jsonl")
        try folder.write("", to: "a.yaml")
        try folder.write("", to: "A.yml")
        #expect(try JobFolder(folder.path).faults(hasDefaultJob: true).map(\.description) == [
            "the folder \(name) has no metadata.jsonl, which lists its subjects and photos; its folder set has one: put that folder into the inbox instead",
            "a.yaml: has the same name as A.yml, and so would its result; rename one of them",
        ])
        // Alone it gives the folder's result its name, and stands beside nothing.
        for (file, isFine) in [("input.yaml", true), ("Input.yml", true), ("error.txt.yaml", true)] {
            let other = try TemporaryFolder()
            try other.write("x", to: "metadata.jsonl")
            try other.write("", to: file)
            #expect(try JobFolder(other.path).faults(hasDefaultJob: false).isEmpty == isFine)
            try other.write("", to: "b.yaml")
            #expect(try JobFolder(other.path).faults(hasDefaultJob: false).contains { $0.description.hasPrefix("\(file): its result would be called") })
        }
    }

    @Test func aFolderWithoutSpecification() throws {
        let folder = try makeJobFolder()
        try FileManager.default.removeItem(atPath: folder.path + "/job.yaml")
        #expect(faults(folder).count == 1)
        #expect(faults(folder, settings: ["rank=2"]) == [])
        var configuration = Configuration()
        configuration.models = ["tiny": .init(base: "/m")]
        configuration.defaultJob = try YAMLReader.parse(Array("rank: 5".utf8), file: "segmixd.yaml")
        #expect(try Job.load(JobFolder(folder.path), configuration: configuration).specification.rank == 5)
    }

    @Test func models() throws {
        let folder = try makeJobFolder()
        var configuration = Configuration()
        configuration.path = "/etc/x.yaml"
        #expect(faults(folder, configuration: configuration) == ["no model is set up; name one in `models` of /etc/x.yaml: {sdxl: {base: /path/to/stable-diffusion-xl-base-1.0}}"])
        configuration.models = ["tiny": .init(base: "/m"), "sdxl": .init(base: "/n")]
        #expect(faults(folder, configuration: configuration) == ["`model` is missing; it must be one of sdxl, tiny (`models` of /etc/x.yaml)"])
        #expect(faults(folder, configuration: configuration, settings: ["model=tiney"]) == ["--set model: `model: tiney` is not among the configuration's `models` (there are sdxl, tiny); did you mean `tiny`?"])
        var specification = JobSpecification()
        specification.model = "tiny"
        #expect(try configuration.model(for: specification) == .init(base: "/m"))
        specification.model = "/somewhere/sdxl"
        #expect(try configuration.model(for: specification) == .init(base: "/somewhere/sdxl"))
    }

    @Test func aSpecificationThatCannotBeReadIsTheOnlyFault() throws {
        let folder = try makeJobFolder()
        try folder.write("rank: 3\nrank: 4\n", to: "job.yaml")
        #expect(faults(folder, configuration: Configuration()) == ["job.yaml:2: the key `rank` comes twice (first on line 1); remove one of them"])
    }

    @Test func warnings() throws {
        let folder = try makeJobFolder()
        let job = try Job.load(JobFolder(folder.path), settings: ["segmix_start_step=10", "max_train_steps=10", "lr_warmup_steps=3"])
        #expect(job.warnings.count == 2)
    }

    /// Photos that nobody named are no fault, and are not passed over in silence.
    @Test func picturesThatAreNotUsedAreSaid() throws {
        let folder = try makeJobFolder()
        // Beside the JPEG that was made of it a camera's own file is nothing that was forgotten.
        for name in ["a00.HEIC", "._z.jpg", "notes.txt", "prior/z.jpg", "more/z.jpg"] { try folder.write("x", to: name) }
        #expect(try Job.load(JobFolder(folder.path)).warnings == [])
        try folder.write("x", to: "a09.JPG")
        #expect(try Job.load(JobFolder(folder.path)).warnings == ["a09.JPG is a picture that metadata.jsonl does not name; it is not used"])
        for name in ["z1.png", "z2.png", "z3.png", "z4.heic", "z5.png", "z6.png"] { try folder.write("x", to: name) }
        #expect(try Job.load(JobFolder(folder.path)).warnings
            == ["a09.JPG, z1.png, z2.png, z3.png, z4.heic and 2 more are pictures that metadata.jsonl does not name; they are not used"])

        let bare = try TemporaryFolder()
        for name in ["olis toy/1.png", "hta_corgi/x.jpeg", "left.jpg"] { try bare.write("x", to: name) }
        try bare.write("", to: "job.yaml")
        #expect(try Job.load(JobFolder(bare.path)).warnings == ["left.jpg lies beside the subjects' folders and is not used; a photo belongs into the folder of its subject"])
        for name in ["masks/1.png", "hta_corgi/masks/x.png"] { try bare.write("x", to: name) }
        #expect(try Job.load(JobFolder(bare.path)).warnings == [
            "hta_corgi/masks/x.png, masks/1.png are not used; the mask of a photo lies beside it, called mask_PHOTO",
            "left.jpg lies beside the subjects' folders and is not used; a photo belongs into the folder of its subject",
        ])
        for name in ["hta_corgi/x_mask.png", "hta_corgi/X-MASK.jpg", "hta_corgi/y_mask.png"] { try bare.write("x", to: name) }
        #expect(faults(bare) == [
            "hta_corgi/X-MASK.jpg: looks like the mask of another photo, and would be taken for a photo; call it mask_PHOTO, after the photo of x",
            "hta_corgi/x_mask.png: looks like the mask of another photo, and would be taken for a photo; call it mask_PHOTO, after the photo of x",
        ])
    }

    /// What lies there under nearly the right name is not passed over for something else.
    @Test func misnamedLists() throws {
        let folder = try makeJobFolder()
        func rename(_ old: String, _ new: String) throws { try FileManager.default.moveItem(atPath: folder.path + "/" + old, toPath: folder.path + "/" + new) }
        try rename("prior", "Priors")
        #expect(faults(folder) == ["Priors: is a folder of prior images under another name; rename it to prior, or remove it to have prior images made"])
        #expect(faults(folder, settings: ["with_prior_preservation=false"]) == [])
        try rename("Priors", "prior")
        try folder.write("x", to: "olis toy/1.png")
        try rename("metadata.jsonl", "Metadata.jsonl")
        #expect(faults(folder).contains("metadata.jsonl: is not there; the folder has Metadata.jsonl: rename it"))
        try rename("Metadata.jsonl", "metadata.jsonl.txt")
        #expect(faults(folder).contains("metadata.jsonl: is not there; the folder has metadata.jsonl.txt, but what is wanted is one JSON object a line, in metadata.jsonl"))
        try rename("metadata.jsonl.txt", "metadata.jsonl")
        try folder.write("", to: "prior/class_metadata.jsonl")
        #expect(faults(folder).first == #"prior/class_metadata.jsonl: is empty; its first line is the table of subjects: {"id": {"a": "toy", "b": "corgi"}}"#)
    }

    @Test func theNameOfTheLoRAForDiffusersIsTaken() throws {
        let folder = try makeJobFolder(), above = try TemporaryFolder(), path = above.path + "/pytorch_lora_weights"
        try FileManager.default.copyItem(atPath: folder.path, toPath: path)
        #expect(throws: FaultList([Fault("the folder pytorch_lora_weights is called as the LoRA for diffusers is, and so would the one for ComfyUI be; give it another name")])) {
            try Job.load(JobFolder(path))
        }
    }

    @Test func aFolderWhoseNameBeginsWithAnAccent() throws {
        let folder = try makeJobFolder(), above = try TemporaryFolder(), path = above.path + "/\u{301}job"
        try FileManager.default.copyItem(atPath: folder.path, toPath: path)
        #expect(throws: FaultList([Fault("the folder's name begins with an accent or another mark that belongs to the letter before it; rename it")])) {
            try Job.load(JobFolder(path))
        }
    }

    @Test func aSpecificationOfAnotherKindIsNotRead() throws {
        let folder = try makeJobFolder()
        try folder.write(String(repeating: "# x\n", count: 300_000), to: "job.yaml")
        #expect(faults(folder) == ["job.yaml: cannot be read: it is larger than 1 MiB; a specification has some hundred bytes, so this is probably another file"])
    }

    @Test(arguments: [
        (".DS_Store", true), ("._a.jpg", true), ("Thumbs.db", true), ("desktop.ini", true), ("@eaDir", true), ("a.jpg.part", true), ("x.TMP", true),
        ("a.jpg~", true), ("a.jpg", false), ("part.jpg", false), ("job.yaml", false), ("tmp", false),
    ])
    func ignoredFiles(_ name: String, _ isIgnored: Bool) {
        #expect(IgnoredFiles.contains(name) == isIgnored)
    }
}
