import Foundation
import Images
import Testing
import Weights

@Suite(.serialized) struct RenderTests {
    private func render(_ place: Workplace, _ folder: String, model: String = Workplace.model, _ more: String...) throws -> Program.Ending {
        try Program.segmix.run([
            "render", "--model", model, "--config", place.configuration, "--output", place.path + "/" + folder, "--steps", "3", "--width", "64",
            "--height", "48", "--seed", "7", "--guidance", "3.5",
        ] + more)
    }

    /// Text chunks of a PNG (PNG 1.2, section 4.2.3): keyword → value.
    private func texts(_ png: Data) -> [String: String] {
        var found: [String: String] = [:], at = 8
        let bytes = Array(png)
        while at + 12 <= bytes.count {
            let length = bytes[at..<at + 4].reduce(0) { $0 << 8 | Int($1) }
            if String(decoding: bytes[at + 4..<at + 8], as: UTF8.self) == "tEXt" {
                let parts = bytes[at + 8..<at + 8 + length].split(separator: 0, maxSplits: 1)
                found[String(decoding: parts[0], as: UTF8.self)] = String(decoding: parts[1], as: UTF8.self)
            }
            at += 12 + length
        }
        return found
    }

    @Test func picturesCarryPromptAndSettings() throws {
        let place = try Workplace()
        let end = try render(place, "plain", "--prompt", "a toy robot", "a corgi", "--negative-prompt", "blurry")
        try #require(end.status == 0, "\(end.errors)")
        let names = place.names("plain")
        #expect(names.count == 3 && names[2] == "contact-sheet.png" && names.allSatisfy(end.output.contains))
        let picture = try ImageFile.readPhoto(place.path + "/plain/" + names[0], name: names[0])
        #expect(picture.width == 64 && picture.height == 48 && Set(picture.bytes).count > 10)
        #expect(texts(try place.data("plain/" + names[0]))["parameters"]
            == "a toy robot\nNegative prompt: blurry\nSteps: 3, Sampler: Euler, CFG scale: 3.5, Seed: 7, Size: 64x48, Model: odd-a, Version: segmixd")
        #expect(texts(try place.data("plain/" + names[1]))["parameters"]?.contains("Seed: 8") == true)
    }

    /// A job's folder is there for its layouts.
    @Test func aJobShiftsTheNoise() throws {
        let place = try Workplace(), prompt = ["--prompt", "an olis toy and a hta corgi", "--job", place.job]
        for (folder, more, gamma) in [("left-out", [], "0.07"), ("given", ["--gamma", "0.07"], "0.07"), ("none", ["--gamma", "0"], nil)] as [(String, [String], String?)] {
            let end = try Program.segmix.run(
                ["render", "--config", place.configuration, "--model", Workplace.model, "--steps", "2", "--width", "64", "--height", "64", "--output", "\(place.path)/\(folder)"]
                    + prompt + more)
            try #require(end.status == 0, "\(end.errors)")
            let text = try #require(texts(try place.data("\(folder)/00000-42.png"))["parameters"])
            #expect(text.contains("Mean shift") == (gamma != nil) && (gamma.map { text.contains("Mean shift: \($0)") } ?? true), "\(text)")
        }
        #expect(try place.data("left-out/00000-42.png") == place.data("given/00000-42.png"))
        // Without masks there is nothing to shift it to.
        let lines = try place.text("toys/metadata.jsonl").split(separator: "\n").map { $0.replacing(#/"mask_path": "[^"]*", /#, with: "") }
        try place.write(lines.joined(separator: "\n") + "\n", "toys/metadata.jsonl")
        let bare = try Program.segmix.run(
            ["render", "--config", place.configuration, "--model", Workplace.model, "--steps", "2", "--width", "64", "--height", "64", "--output", place.path + "/bare"] + prompt)
        #expect(bare.status == 0 && bare.output.contains("note: the pictures start from ordinary noise"), "\(bare.status) \(bare.errors)")
        #expect(try place.data("bare/00000-42.png") == place.data("none/00000-42.png"))
    }

    /// Which of several specs holds is not guessed.
    @Test func specsThatDifferInSize() throws {
        let place = try Workplace()
        try place.replace("render:", "relative_scale: 0.5\nrender:", in: "toys/job.yaml")
        func layout(_ folder: String, _ more: [String]) throws -> (end: Program.Ending, picture: Data?) {
            let end = try Program.segmix.run(
                ["render", "--config", place.configuration, "--model", Workplace.model, "--steps", "1", "--width", "64", "--height", "64", "--output", "\(place.path)/\(folder)",
                 "--prompt", "an olis toy and a hta corgi", "--job", place.job] + more)
            return (end, try? place.data(folder + "/00000-42.png"))
        }
        let alone = try layout("alone", [])
        try place.write("relative_scale: -0.3\n", "toys/other.yaml")
        let unsaid = try layout("unsaid", []), said = try layout("said", ["--spec", "job.yaml"]), other = try layout("other", ["--spec", "other.yaml"])
        let none = try layout("none", ["--spec", "third.yaml"]), path = try layout("path", ["--spec", place.job + "/job.yaml"])
        #expect(path.picture == alone.picture)
        #expect(unsaid.end.status == 64 && unsaid.end.errors.contains("(job.yaml, other.yaml) differ in `relative_scale`; say which one holds with --spec"), "\(unsaid.end.errors)")
        #expect(none.end.status == 64 && none.end.errors.contains("has job.yaml, other.yaml"), "\(none.end.errors)")
        #expect(alone.picture != nil && said.picture == alone.picture && other.picture != nil && other.picture != alone.picture)
    }

    /// As AUTOMATIC1111 does, so that the value does not end at its comma.
    @Test func aNameWithACommaIsQuoted() throws {
        let place = try Workplace(), name = "sd, \"xl\": 1"
        try FileManager.default.copyItem(atPath: Workplace.model, toPath: "\(place.path)/\(name)")
        let end = try render(place, "out", model: "\(place.path)/\(name)", "--prompt", "a toy")
        try #require(end.status == 0, "\(end.errors)")
        #expect(texts(try place.data("out/" + place.names("out")[0]))["parameters"]?.contains(#", Model: "sd, \"xl\": 1", Version"#) == true)
    }

    /// Of the VAE a training needs the encoder alone.
    @Test func aDamagedDecoderIsFoundBeforeTheTraining() throws {
        let place = try Workplace(), drawing = try Workplace(more: "validation_prompt: a corgi")
        for place in [place, drawing] {
            try place.useCopyOfModel()
            try place.spoil("decoder.conv_norm_out.weight", of: "vae")
        }
        let end = try drawing.train()
        #expect(end.status == 69 && end.errors.contains("\(drawing.path)/model/vae: the decoder gives numbers that are not finite"), "\(end.errors)")
        #expect(try drawing.text("out/job.log").hasSuffix(end.errors))
        // Without pictures it is not needed.
        #expect(try drawing.stepsWritten() == 0 && place.train().status == 0 && place.stepsWritten() == 4)
    }

    @Test func whatIsNoPictureIsNotWritten() throws {
        let place = try Workplace()
        try place.useCopyOfModel()
        let model = place.path + "/model", path = model + "/unet/diffusion_pytorch_model.safetensors", file = try SafetensorsFile(path)
        try place.spoil("conv_out.bias", of: "unet")
        let end = try render(place, "out", model: model, "--prompt", "a corgi")
        #expect(end.status == 65 && end.errors.contains("\(model): the picture of “a corgi” came out as numbers that are not finite"), "\(end.errors)")
        #expect(place.names("out").isEmpty)
        // An inpainting model's UNet takes more than latents.
        try place.replace("\"in_channels\": 4", "\"in_channels\": 9", in: "model/unet/config.json")
        var wide = SafetensorsWriter(metadata: file.metadata)
        for entry in file.entries {
            var shape = entry.shape
            if entry.name == "conv_in.weight" { shape[1] = 9 }
            wide.add(entry.name, shape: shape, [Float](repeating: 0, count: shape.reduce(1, *)))
        }
        try wide.write(to: path)
        let inpainting = try render(place, "out", model: model, "--prompt", "a corgi")
        #expect(inpainting.status == 65 && inpainting.errors.contains("the UNet takes 9 and gives 4 channels"), "\(inpainting.errors)")
    }

    @Test func latentsGoInAndOut() throws {
        let place = try Workplace()
        #expect(try render(place, "a", "--prompt", "a corgi", "--save-latents", place.path + "/a.safetensors").status == 0)
        let saved = try SafetensorsFile(place.path + "/a.safetensors")
        #expect(saved.entries.map(\.name) == ["latents"] && saved["latents"]!.shape == [1, 4, 6, 8])
        var values: [[Float]] = []
        for (folder, noise) in [("b", 0.5), ("c", 0.5), ("d", -0.5)] as [(String, Float)] {
            var writer = SafetensorsWriter()
            writer.add("latents", shape: [1, 4, 6, 8], (0..<192).map { noise * Float($0 % 5 - 2) })
            try writer.write(to: place.path + "/noise.safetensors")
            let end = try render(
                place, folder, "--prompt", "a corgi", "--init-latents", place.path + "/noise.safetensors", "--save-latents", place.path + "/\(folder).safetensors")
            #expect(end.status == 0, "\(end.errors)")
            values.append(try SafetensorsFile(place.path + "/\(folder).safetensors").floats("latents"))
        }
        #expect(values[0] == values[1] && values[0] != values[2])
        // Said before anything is sampled, not after the night.
        let nowhere = try render(place, "f", "--prompt", "a corgi", "--save-latents", place.path + "/nowhere/f.safetensors")
        #expect(nowhere.status == 65 && nowhere.errors.hasPrefix("Cannot write into \(place.path)/nowhere: ") && !place.exists("f") && !nowhere.output.contains("render"), "\(nowhere.errors)")
        let wrong = try render(place, "e", "--prompt", "a corgi", "--init-latents", Workplace.model + "/vae/diffusion_pytorch_model.safetensors")
        #expect(wrong.status == 65 && wrong.errors.contains("`latents` of shape [1, 4, 6, 8]"), "\(wrong.errors)")
    }

    @Test func aLoRAIsAppliedAtItsStrength() throws {
        let place = try Workplace(steps: 6, more: "lr_scheduler: constant")
        #expect(try place.train().status == 0)
        // A result's folder is a LoRA, as for load_lora_weights.
        let folder = try render(place, "folder", "--prompt", "hta corgi", "--lora", place.output + ":2")
        #expect(folder.status == 0, "\(folder.errors)")
        let other = try render(place, "other", "--prompt", "hta corgi", "--lora", place.job)
        #expect(other.status == 65 && other.errors.contains("the folder has no pytorch_lora_weights.safetensors"), "\(other.errors)")
        for (name, format) in [("diffusers", "pytorch_lora_weights.safetensors"), ("kohya", "toys.safetensors")] {
            for scale in ["", ":0", ":2"] {
                let end = try render(place, name + scale, "--prompt", "hta corgi", "--lora", place.output + "/" + format + scale)
                #expect(end.status == 0, "\(end.errors)")
            }
        }
        #expect(try render(place, "none", "--prompt", "hta corgi").status == 0)
        func picture(_ folder: String) throws -> [UInt8] {
            let name = try #require(place.names(folder).first)
            return try ImageFile.readPhoto(place.path + "/\(folder)/\(name)", name: name).bytes
        }
        let none = try picture("none")
        for name in ["diffusers", "kohya"] {
            #expect(try picture(name + ":0") == none)
            #expect(try picture(name) != none && picture(name + ":2") != picture(name))
        }
        #expect(try picture("diffusers") == picture("kohya"))
    }

    /// Hours went into what is there.
    @Test func earlierPicturesStay() throws {
        let place = try Workplace()
        for prompt in ["one", "two"] { #expect(try render(place, "same", "--prompt", prompt).status == 0) }
        #expect(place.names("same") == ["00000-7.png", "00001-7.png"])
        #expect(try place.data("same/00000-7.png") != place.data("same/00001-7.png"))
    }

    /// The layout that an earlier picture began with stays beside it.
    @Test func earlierLayoutsStay() throws {
        let place = try Workplace(), more = ["--prompt", "an olis toy and a hta corgi", "--job", place.job, "--gamma", "0.07"]
        func render(_ layout: String, width: String = "64") throws {
            let end = try Program.segmix.run([
                "render", "--model", Workplace.model, "--config", place.configuration, "--output", place.path + "/same", "--steps", "2", "--height", "64",
                "--width", width, "--layout", layout, "--layout", "b=0.5,0,1,1",
            ] + more)
            #expect(end.status == 0, "\(end.errors)")
        }
        try render("a=0,0,0.5,1")
        let first = try place.data("same/layout-42.png")
        try render("a=0,0,0.5,1")
        #expect(place.names("same").filter { $0.hasPrefix("layout") } == ["layout-42.png"])
        try render("a=0,0.5,0.5,1")
        try render("a=0,0,0.5,1", width: "96")
        #expect(try place.names("same").filter { $0.hasPrefix("layout") } == ["layout-42-2.png", "layout-42-3.png", "layout-42.png"] && place.data("same/layout-42.png") == first)
    }

    @Test func wrongRequestsSayWhatIsWanted() throws {
        let place = try Workplace()
        for (more, status, says) in [
            (["--prompt", "x", "--lora", "/nowhere/x.safetensors"], 65, "/nowhere/x.safetensors"), (["--prompt", "x", "--width", "60"], 64, "--width is 60"),
            (["--prompt", "x", "--lora-scale", "0.5"], 64, "--lora-scale is the strength of a LoRA"),
            (["--prompt", "x", "--job", place.job, "--gamma", "0", "--layout", "a=0,0,0.5,1"], 64, "give a --gamma above 0 with them"),
            (["--prompt", "x", "--job", place.job, "--gamma", "0", "--gamma", "0.1", "--subject", "z"], 65, "the subject \"z\", which is not in the id table"),
            (["--prompt", "x", "--steps", "0"], 64, "--steps is 0"), (["--prompt", "x", "--layout", ""], 64, "--layout is"),
            (["--prompt", "x", "--layout", "="], 64, "--layout is ="), (["--prompt", "x", "--guidance=-1"], 64, "--guidance"), ([], 64, "--prompt"),
            (["--prompt", "x", "--model", "/nowhere/model"], 69, "/nowhere/model"), (["--prompt", "x", "--lora", Workplace.model + "/vae/diffusion_pytorch_model.safetensors"], 65, "not those of a plain LoRA"),
        ] as [([String], Int32, String)] {
            let end = try Program.segmix.run(["render", "--config", place.configuration, "--output", place.output] + (more.contains("--model") ? [] : ["--model", Workplace.model]) + more)
            #expect(end.status == status && end.errors.contains(says), "\(more): \(end.status) \(end.errors)")
            #expect(place.names("out").isEmpty)
        }
    }
}
