import CPUDevice
import Diffusion
import Foundation
import Images
import Jobs
import ModelGoldens
import SegMix
import Tensors
import Testing

@testable import Pipeline

@Suite(.serialized) struct MeanShiftTests {
    private struct Bench {
        let place: Workplace, make: TextToImage, vae: VAE, layouts: Layouts, images: SampleRenderer

        init(layout: RenderLayout? = nil) throws {
            place = try Workplace()
            CPUDevice.install()
            let model = SDXLDirectory(Workplace.model)
            vae = try model.loadVAE()
            make = TextToImage(
                unet: try model.loadUNet(), vae: vae, schedule: try model.loadSchedule(), prompts: PromptTable(), zerosForEmptyPrompt: true)
            let composer = try Composer(SubjectSet(PhotoList.read(folder: place.job), in: place.job), relativeScale: .random)
            layouts = Layouts(composer, layout: layout, folder: place.output)
            images = SampleRenderer(
                make, folder: place.output, model: model, loras: [], layouts: layouts, tiling: DecodeTiling(model), progress: ProgressReporter())
        }

        func path(_ subjects: [String]) -> String { layouts.path(for: picture(gamma: 0.1, subjects: subjects)) }

        func picture(gamma: Double, subjects: [String] = ["a", "b"]) -> PlannedPicture {
            PlannedPicture(
                RenderRequest(prompt: "x", negativePrompt: nil, seed: 9, steps: 2, guidance: 1, width: 80, height: 48, gamma: gamma), subjects: subjects)
        }
    }

    @Test func samplingStartsFromNoisePlusGammaTimesTheLayout() throws {
        let bench = try Bench(), picture = bench.picture(gamma: 0.07)
        let noise = bench.make.initialNoise(picture.request).values, start = try bench.images.startingNoise(picture).values
        // The layout as it lies in the file.
        let saved = try ImageFile.readPhoto(bench.layouts.path(for: picture), name: "layout")
        #expect(saved.width == 80 && saved.height == 48)
        let pixels = Tensor(saved.bytes.map { Float($0) / 127.5 - 1 }, shape: [1, 48, 80, 3])
        let z = bench.vae.scaled(bench.vae.encode(pixels).mean).values
        #expect(start == zip(noise, z).map { $0 + $1 * Float(0.07) })
        #expect(start != noise)
        // Twice the same; another seed, another layout.
        #expect(try bench.images.startingNoise(picture).values == start)
        var other = picture
        other.request.seed = 10
        _ = try bench.images.startingNoise(other)
        #expect(try ImageFile.readPhoto(bench.layouts.path(for: other), name: "layout").bytes != saved.bytes)
        #expect(try bench.images.startingNoise(bench.picture(gamma: 0)).values == noise)
    }

    @Test func aGivenLayoutIsKept() throws {
        let bench = try Bench(layout: RenderLayout([.init(subject: "b", x0: 0.5, y0: 0, x1: 1, y1: 1)]))
        let picture = bench.picture(gamma: 0.1, subjects: ["b"])
        _ = try bench.images.startingNoise(picture)
        #expect(bench.layouts.path(for: picture).hasSuffix("/layout-9-b.png"))
        let saved = try ImageFile.readPhoto(bench.layouts.path(for: picture), name: "layout")
        func isWhite(_ columns: Range<Int>) -> Bool { (0..<48).allSatisfy { y in columns.allSatisfy { x in saved.bytes[3 * (y * 80 + x)] == 255 } } }
        #expect(isWhite(0..<40) && !isWhite(40..<80))
    }

    /// The same through the program: γ 0 is bit for bit ordinary sampling, another γ is not.
    @Test func gammaZeroIsOrdinarySampling() throws {
        let place = try Workplace()
        func latents(_ name: String, _ more: String...) throws -> Data {
            let end = try Program.segmix.run([
                "render", "--model", Workplace.model, "--config", place.configuration, "--output", place.path + "/" + name, "--steps", "3", "--width", "64",
                "--height", "48", "--prompt", "olis toy and hta corgi", "--sampler", "euler_ancestral", "--save-latents", place.path + "/\(name).safetensors",
            ] + more)
            try #require(end.status == 0, "\(end.errors)")
            return try place.data("\(name).safetensors")
        }
        let plain = try latents("plain"), zero = try latents("zero", "--job", place.job, "--gamma", "0")
        let shifted = try latents("shifted", "--job", place.job, "--gamma", "0.07", "--layout", "a=0,0,0.5,1", "--layout", "b=0.5,0,1,1")
        #expect(plain == zero && plain != shifted)
        #expect(place.names("zero").count == 1 && place.names("shifted").contains("layout-42.png"))
    }

    @Test func wrongRequestsSayWhatIsWanted() throws {
        let place = try Workplace()
        for (more, status, says) in [
            (["--gamma", "0.1"], 64, "name the job's folder with --job"), (["--gamma=-1"], 64, "--gamma is -1.0"),
            (["--job", place.job, "--gamma", "0.1", "--subject", "z"], 65, "names the subject \"z\""), (["--layout", "a=1,2"], 64, "--layout is a=1,2"),
            (["--job", place.job, "--gamma", "0.1", "--layout", "a=0,0,1,1", "--subject", "b"], 64, "no box for the subject b"),
            (["--seed", "1", "2", "--save-latents", "x"], 64, "--save-latents keeps"), (["--sampler", "dpmpp_2m", "--steps", "1000"], 65, "from 1 to 999"),
        ] as [([String], Int32, String)] {
            let end = try Program.segmix.run(
                ["render", "--model", Workplace.model, "--config", place.configuration, "--output", place.output, "--prompt", "x", "--width", "64", "--height", "64"] + more)
            #expect(end.status == status && end.errors.contains(says), "\(more): \(end.status) \(end.errors)")
        }
    }

    /// Layouts of different subjects never lie in one file, whatever the subjects' keys are.
    @Test func everyLayoutHasAFile() throws {
        let bench = try Bench()
        #expect(bench.path(["a", "b"]).hasSuffix("/layout-9.png") && bench.path(["b"]).hasSuffix("/layout-9-b.png"), "\(bench.path(["b"]))")
        let metadata = try bench.place.text("toys/metadata.jsonl").replacing("\"a\"", with: "\"ä\"").replacing("\"b\"", with: "\"ö/ö\"")
        try bench.place.write(metadata, "toys/metadata.jsonl")
        let composer = try Composer(SubjectSet(PhotoList.read(folder: bench.place.job), in: bench.place.job), relativeScale: .random)
        let layouts = Layouts(composer, layout: nil, folder: bench.place.output)
        let names = [["ä"], ["ö/ö"], ["ä", "ö/ö"]].map { layouts.path(for: bench.picture(gamma: 0.1, subjects: $0)).split(separator: "/").last! }
        #expect(names == ["layout-9-1.png", "layout-9-2.png", "layout-9.png"])
    }
}
