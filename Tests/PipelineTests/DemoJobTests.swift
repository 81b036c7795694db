import Diffusion
import Files
import Foundation
import Images
import Jobs
import SegMix
import TestFolders
import Testing

@testable import Pipeline

@Suite(.serialized) struct DemoJobTests {
    @Test func theJobPassesEveryCheck() throws {
        let folder = try TemporaryFolder()
        try ModelMaker(preset: .tiny).write(to: folder.path + "/model")
        try DemoJob.write(to: folder.path + "/job", model: folder.path + "/model", steps: 3)

        let job = try Job.load(JobFolder(folder.path + "/job"), configuration: Configuration())
        #expect(job.photos.subjects == [SubjectEntry(key: "a", phrase: "sks toy robot"), SubjectEntry(key: "b", phrase: "olis spotted dog")])
        #expect(job.photos.photos(of: "a").count == 5 && job.photos.photos(of: "b").count == 5)
        #expect(job.priors?.photos.count == 12)
        #expect(job.specification.maxTrainSteps == 3)
        #expect(job.className(of: job.photos.subjects[1]) == "dog")
        #expect(job.warnings.isEmpty)
        try JobCheck(job, model: Configuration().model(for: job.specification)).run()
    }

    /// Another process must find the same of the same job, or nothing is ever gone on with.
    @Test func whatARunIsKnownByHasOneOrder() throws {
        let folder = try TemporaryFolder()
        try DemoJob.write(to: folder.path + "/job")
        var job = try Job.load(JobFolder(folder.path + "/job"), configuration: nil)
        let keys = "abcdefghij".map { String($0) }
        job.specification.relativeScale = .table(keys.map { .init(subject: $0, scale: 0.5) })
        let known = try job.fingerprint(model: "m")
        #expect(known["relative_scale"] == "{" + keys.map { "\"\($0)\":0.5" }.joined(separator: ",") + "}")
        #expect(known["file the model"] == "m" && known["file a00.png"] != nil && known["file prior/mask_b00.png"] != nil && known["file metadata.jsonl"] != nil)
    }

    /// What was exchanged for a while is found when it is read, or it was not read.
    @Test func nothingElseIsTrainedOn() throws {
        let folder = try TemporaryFolder()
        try DemoJob.write(to: folder.path + "/job")
        let job = try Job.load(JobFolder(folder.path + "/job"), configuration: nil), digests = PhotoDigests(of: job)
        let file = job.place(of: "a00.png"), picture = try Data(contentsOf: URL(fileURLWithPath: file))
        func read() throws {
            let sampler = try job.sampler(latentFactor: 8, digests: digests)
            for step in 0..<40 { _ = try sampler.examples(microStep: step, optimizerStep: step) }
        }
        try read()
        // The same picture in another file.
        try (picture + [0]).write(to: URL(fileURLWithPath: file))
        #expect(throws: FaultList.self) { try read() }
        #expect(throws: FaultList.self) { try digests.verify() }
        // Back again, if with other times.
        try picture.write(to: URL(fileURLWithPath: file))
        try read()
        try digests.verify()
    }

    @Test func itIsTheSameEveryTimeAndNeverInAnothersPlace() throws {
        let folder = try TemporaryFolder()
        try DemoJob.write(to: folder.path + "/a")
        try DemoJob.write(to: folder.path + "/b")
        for file in ["a03.png", "mask_b02.png", "prior/b05.png", "metadata.jsonl", "job.yaml"] {
            #expect(FileManager.default.contentsEqual(atPath: "\(folder.path)/a/\(file)", andPath: "\(folder.path)/b/\(file)"), "\(file)")
        }
        #expect(throws: FileError.self) { try DemoJob.write(to: folder.path + "/a") }
    }

    /// The mask has its photo's size, holds the whole figure, and is grey only along edges.
    @Test(arguments: DemoPhotos.subjects.indices) func theMaskFitsItsPhoto(index: Int) throws {
        let photo = DemoPhotos.subjects[index]
        let (picture, mask) = photo.draw(seed: 1, index: 0)
        #expect(picture.width == photo.width && mask.height == photo.height)
        let cutOut = try CutOut(photo: picture, mask: mask, photoName: photo.file, maskName: photo.mask)
        #expect(cutOut.box.height > photo.height / 3 && cutOut.box.width > photo.width / 6)
        #expect(cutOut.box.x0 > 0 && cutOut.box.y0 > 0 && cutOut.box.x1 < photo.width - 1 && cutOut.box.y1 < photo.height - 1, "the figure is cut off: \(cutOut.box)")

        let white = mask.bytes.count { $0 == 255 }, black = mask.bytes.count { $0 == 0 }
        #expect(mask.bytes.count - white - black < mask.bytes.count / 40, "only edges lie between")
        #expect((0.05...0.5).contains(Double(white) / Double(mask.bytes.count)))
    }

    @Test func figuresAndTheirPriorsDiffer() {
        let priors = DemoPhotos.priors(seed: 1)
        let pictures = priors.indices.map { priors[$0].draw(seed: 1, index: $0).photo.bytes }
        #expect(Set(pictures).count == priors.count)
        #expect(priors.count { $0.subject == "a" } == 6 && priors.count { $0.subject == "b" } == 6)
    }

    /// One photo lies on its side in its file; its EXIF block turns it upright, and its mask is upright already.
    @Test func aSidewaysPhotoIsReadUpright() throws {
        let folder = try TemporaryFolder()
        let index = try #require(DemoPhotos.subjects.firstIndex { $0.isStoredSideways })
        let photo = DemoPhotos.subjects[index]
        try photo.write(to: folder.path, seed: 1, index: index)
        let read = try ImageFile.readPhoto("\(folder.path)/\(photo.file)")
        let drawn = photo.draw(seed: 1, index: index)
        #expect(read == drawn.photo)
        #expect(try ImageFile.readMask("\(folder.path)/\(photo.mask)") == drawn.mask)
        // The header of a PNG has the size as stored: 16 bytes in, width then height.
        let header = try Data(contentsOf: URL(fileURLWithPath: "\(folder.path)/\(photo.file)"))[16..<24]
        #expect(header.reduce(0) { $0 << 8 | Int($1) } == photo.height << 32 | photo.width)
    }
}
