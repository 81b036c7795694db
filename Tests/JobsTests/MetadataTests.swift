import Foundation
import TestFolders
import Testing

@testable import Jobs

/// A job's folder that is in order, to be spoilt.
func makeJobFolder() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    for name in ["a00.jpg", "a01.jpg", "b00.jpg", "mask_a00.jpg", "mask_a01.jpg", "mask_b00.jpg"] { try folder.write("x", to: name) }
    for name in ["a00.jpg", "b00.jpg", "mask_a00.jpg", "mask_b00.jpg"] { try folder.write("x", to: "prior/" + name) }
    try folder.write(
        """
        {"id": {"b": "hta corgi", "a": "olis toy"}}
        {"id": "a", "file_name": "a00.jpg", "mask_path": "mask_a00.jpg", "text": "A photo of a olis toy."}
        {"id": "a", "file_name": "a01.jpg", "mask_path": "mask_a01.jpg", "text": ["one olis toy", "two olis toys"]}
        {"id": "b", "file_name": "b00.jpg", "mask_path": "mask_b00.jpg"}
        """, to: "metadata.jsonl")
    try folder.write(
        """
        {"id": {"a": "toy", "b": "Corgi"}}
        {"id": "a", "file_name": "a00.jpg", "mask_path": "mask_a00.jpg", "text": "A photo of a toy"}
        {"id": "b", "file_name": "b00.jpg", "mask_path": "mask_b00.jpg", "text": "A photo of a Corgi"}
        """, to: "prior/class_metadata.jsonl")
    try folder.write("", to: "job.yaml")
    return folder
}

@Suite struct MetadataTests {
    /// As the tokenizer reads them: what names nobody twice, nor a subject by a piece of another's phrase.
    @Test func whomAPromptNames() {
        let subjects = [("a", "hta dog"), ("b", "hta dog house"), ("c", "olis  Red ball")].map { SubjectEntry(key: $0, phrase: $1) }
        let names = SubjectNames(subjects)
        #expect(names.foreign(["a hta dog", "a HTA  dog house", "a hta dog house and a hta dog", "a dog"], to: "a") == ["a HTA  dog house", "a dog"])
        for (prompt, named) in [
            ("a hta dog house", ["b"]), ("a HTA Dog on a house", ["a"]), ("a hta dog house and a hta dog", ["a", "b"]), ("olis red\u{A0}ball", ["c"]),
            ("olis\tred\n ball, hta   dogs", ["a", "c"]), ("a red ball", []), ("", []),
        ] {
            #expect(names.named(in: prompt) == named, "\(prompt)")
            #expect(names.laidOut(for: prompt) == (named.isEmpty ? ["a", "b", "c"] : named), "\(prompt)")
        }
    }

    private func read(_ folder: TemporaryFolder) throws -> (PhotoList?, [String]) {
        let (list, faults) = MetadataReader.read("metadata.jsonl", paths: try JobPath(root: folder.path))
        return (list, faults.map(\.description))
    }

    @Test func whatIsInOrder() throws {
        let (list, faults) = try read(makeJobFolder())
        #expect(faults == [])
        let photos = try #require(list)
        #expect(photos.subjects == [.init(key: "b", phrase: "hta corgi"), .init(key: "a", phrase: "olis toy")])
        #expect(photos.photos.map(\.file) == ["a00.jpg", "a01.jpg", "b00.jpg"])
        #expect(photos.photos.map(\.captions) == [["A photo of a olis toy."], ["one olis toy", "two olis toys"], ["A photo of a hta corgi"]])
        #expect(photos.photos.map(\.line) == [2, 3, 4])
        #expect(photos.photos[0].mask == "mask_a00.jpg")
        #expect(photos.subjects.map(\.className) == ["corgi", "toy"])
    }

    @Test func byteOrderMarkLineEndsAndBlankLines() throws {
        let folder = try makeJobFolder()
        let text = try folder.read("metadata.jsonl").replacing("\n", with: "\r\n") + "\r\n \t\r\n\r\n"
        try folder.write(Data([0xEF, 0xBB, 0xBF]) + Data(("\r\n" + text).utf8), to: "metadata.jsonl")
        let (list, faults) = try read(folder)
        #expect(faults == [])
        #expect(list?.photos.map(\.line) == [3, 4, 5])
    }

    /// What replaces line `line` (counted from 1), and the sentences.
    @Test(arguments: [
        (1, #"{"id": "a", "file_name": "a00.jpg"}"#, #"metadata.jsonl:1: the first line must be the table of subjects: {"id": {"a": "olis toy", "b": "hta corgi"}}"#),
        (1, #"{"id": {}}"#, #"metadata.jsonl:1: the table of subjects is empty; name at least two: {"id": {"a": "olis toy", "b": "hta corgi"}}"#),
        (1, #"{"id": {"a": "x", "a": "y", "b": "z"}}"#, #"metadata.jsonl:1: broken JSON at column 19: the key "a" comes twice; every line is one whole object"#),
        (1, #"{"id": {"a": 5, "b": "z"}}"#, #"metadata.jsonl:1: the phrase of the subject "a" must be a text such as "olis toy", not a number"#),
        (1, #"{"id": {"a": " ", "b": "z"}}"#, #"metadata.jsonl:1: the phrase of the subject "a" must be a text such as "olis toy", not empty"#),
        (1, #"{"id": {"a": "x", "b": "y", "c": "z w"}}"#, #"metadata.jsonl: the subject "c" (z w) has no photo; add a line with "id": "c", or take it out of the table"#),
        (2, #"{"id": "a", "file_name": "a00.jpg""#, "metadata.jsonl:2: broken JSON at column 35: `}` is missing at the end; every line is one whole object"),
        (2, #"[1]"#, "metadata.jsonl:2: must be a JSON object ({…}), not a list; every line is one whole object"),
        (2, #"{"id": {"a": "x"}}"#, "metadata.jsonl:2: a second table of subjects; there is one, on the first line"),
        (2, #"{"id": "c", "file_name": "a00.jpg"}"#, #"metadata.jsonl:2: the subject "c" is not in the table of the first line ("b", "a"); correct "id" or add it there"#),
        (2, #"{"id": 1, "file_name": "a00.jpg"}"#, #"metadata.jsonl:2: "id" must be a text in double quotes, not a number"#),
        (2, #"{"file_name": "a00.jpg"}"#, #"metadata.jsonl:2: "id" is missing; a photo's line is {"id": "a", "file_name": "a00.jpg", "mask_path": "mask_a00.jpg", "text": "…"}"#),
        (2, #"{"id": "a"}"#, #"metadata.jsonl:2: "file_name" is missing; a photo's line is {"id": "a", "file_name": "a00.jpg", "mask_path": "mask_a00.jpg", "text": "…"}"#),
        (3, #"{"id": "a", "file_name": "a00.jpg"}"#, "metadata.jsonl:3: a00.jpg is already the photo of line 2; remove one of the two lines"),
        (3, #"{"id": "a", "file_name": "./a00.jpg"}"#, "metadata.jsonl:3: a00.jpg is already the photo of line 2; remove one of the two lines"),
        (2, #"{"id": "a", "file_name": "a00.jpg", "mask_path": "a00.jpg"}"#, #"metadata.jsonl:2: a00.jpg is both photo and mask; "mask_path" names a picture that is white where the subject is"#),
        (2, #"{"id": "a", "file_name": "a00.jpg", "text": []}"#, #"metadata.jsonl:2: "text" must be a caption or a list of captions, none of them empty; leave it out for "A photo of a …""#),
        (2, #"{"id": "a", "file_name": "a00.jpg", "text": ["x", ""]}"#, #"metadata.jsonl:2: "text" must be a caption or a list of captions, none of them empty; leave it out for "A photo of a …""#),
        (2, #"{"id": "a", "file_name": "a00.jpg", "mask": "m.jpg"}"#, #"metadata.jsonl:2: unknown key "mask"; did you mean "mask_path"?"#),
        (2, #"{"id": "a", "file_name": "a00.jpg", "caption": "x"}"#, #"metadata.jsonl:2: unknown key "caption"; did you mean "text"?"#),
        (2, #"{"id": "a", "file_name": "a09.jpg"}"#, #"metadata.jsonl:2: file_name "a09.jpg" is not there; add the file or correct the name"#),
        (2, #"{"id": "a", "file_name": "a00.png"}"#, #"metadata.jsonl:2: file_name "a00.png" is not there, but a00.jpg is (the name is nearly the same); correct the name"#),
        (2, #"{"id": "a", "file_name": "../a00.jpg"}"#, #"metadata.jsonl:2: file_name "../a00.jpg" leaves the job's folder (`..`); copy the file into the job's folder"#),
        (2, #"{"id": "a", "file_name": "prior/../a00.jpg"}"#, #"metadata.jsonl:2: file_name "prior/../a00.jpg" leaves the job's folder (`..`); copy the file into the job's folder"#),
        (2, #"{"id": "a", "file_name": "/etc/passwd"}"#, #"metadata.jsonl:2: file_name "/etc/passwd" is an absolute path; copy the file into the job's folder and name it from there"#),
        (2, #"{"id": "a", "file_name": "prior\\a00.jpg"}"#, #"metadata.jsonl:2: file_name "prior\a00.jpg" contains a backslash; write folders with `/`"#),
        (2, #"{"id": "a", "file_name": ""}"#, #"metadata.jsonl:2: file_name "" is empty; write the name of a file in the job's folder"#),
        (2, #"{"id": "a", "file_name": "prior"}"#, #"metadata.jsonl:2: file_name "prior" is a folder, not a picture"#),
        (2, #"{"id": "a", "file_name": "a00.jpg", "mask_path": "mask_a09.jpg"}"#, #"metadata.jsonl:2: mask_path "mask_a09.jpg" is not there; add the file or correct the name"#),
        (2, #"{"id": "a", "file_name": "empty.jpg"}"#, #"metadata.jsonl:2: file_name "empty.jpg" is an empty file (0 bytes); copy it again"#),
        (2, #"{"id": "a", "file_name": "out.jpg"}"#, #"metadata.jsonl:2: file_name "out.jpg" is a link that leaves the job's folder; copy the file itself into it"#),
        (2, #"{"id": "a", "file_name": "away/hosts"}"#, #"metadata.jsonl:2: file_name "away/hosts" is a link that leaves the job's folder; copy the file itself into it"#),
        (2, #"{"id": "a", "file_name": "dangling.jpg"}"#, #"metadata.jsonl:2: file_name "dangling.jpg" is a link to a file that does not exist; copy the file itself into the job's folder"#),
        (2, #"{"id": "a", "file_name": "circle.jpg"}"#, #"metadata.jsonl:2: file_name "circle.jpg" is a link that leads round in a circle"#),
        (2, #"{"id": "a", "file_name": "pipe.jpg"}"#, #"metadata.jsonl:2: file_name "pipe.jpg" is no ordinary file"#),
    ])
    func eachFaultHasItsSentence(_ line: Int, _ text: String, _ sentence: String) throws {
        let folder = try makeJobFolder()
        try folder.write("", to: "empty.jpg")
        symlink("/etc/hosts", folder.path + "/out.jpg")
        symlink("/etc", folder.path + "/away")
        symlink("nowhere", folder.path + "/dangling.jpg")
        symlink("circle.jpg", folder.path + "/circle.jpg")
        mkfifo(folder.path + "/pipe.jpg", 0o600)
        var lines = try folder.read("metadata.jsonl").split(separator: "\n").map(String.init)
        lines[line - 1] = text
        try folder.write(lines.joined(separator: "\n"), to: "metadata.jsonl")
        let faults = try read(folder).1
        #expect(faults.first == sentence)
        // A fault of the table makes every later line one as well; others stand alone.
        if line > 1 { #expect(faults.count == 1) }
    }

    /// As on the disks of Windows and of Macs; where it could be two files, neither is taken.
    @Test func capitalAndSmallLetters() throws {
        let folder = try makeJobFolder()
        try folder.write("photo", to: "Deep/x.jpg")
        let text = try folder.read("metadata.jsonl").replacing(#""a00.jpg""#, with: #""A00.JPG""#) + "\n" + #"{"id": "a", "file_name": "deep/X.jpg"}"#
        try folder.write(text, to: "metadata.jsonl")
        let (list, faults) = try read(folder)
        #expect(faults == [] && list?.photos.map(\.file).first == "a00.jpg" && list?.photos.last?.file == "Deep/x.jpg")
        // The letters of the folder are none of the fault.
        try folder.write(text + "\n" + #"{"id": "a", "file_name": "deep/y.jpg"}"#, to: "metadata.jsonl")
        #expect(try read(folder).1.map { $0.split(separator: " ").dropFirst(3).joined(separator: " ") } == ["is not there; add the file or correct the name"])
        // What lies behind a link that leads out is not this job's to show, whatever its letters are.
        symlink("/etc", folder.path + "/Away")
        for file in ["away/HOSTS", "away/nothing"] {
            try folder.write(text + "\n" + #"{"id": "a", "file_name": "\#(file)"}"#, to: "metadata.jsonl")
            #expect(try read(folder).1.map { $0.contains("is a link that leaves the job's folder") } == [true])
        }
        try folder.write(text, to: "metadata.jsonl")
        try folder.write("photo", to: "a00.Jpg")
        #expect(try read(folder).1 == [#"metadata.jsonl:2: file_name "A00.JPG" is not there, but a00.Jpg is (capital and small letters differ); correct the name"#])
    }

    @Test func linksInsideTheFolderAreFine() throws {
        let folder = try makeJobFolder()
        symlink("a01.jpg", folder.path + "/link.jpg")
        let text = try folder.read("metadata.jsonl").replacing(#""a00.jpg""#, with: #""link.jpg""#)
        try folder.write(text, to: "metadata.jsonl")
        let (list, faults) = try read(folder)
        #expect(faults == [])
        #expect(list?.photos[0].file == "link.jpg")
    }

    @Test func metadataBehindALinkOutIsNotRead() throws {
        let folder = try makeJobFolder()
        let elsewhere = try TemporaryFolder()
        try FileManager.default.moveItem(atPath: folder.path + "/metadata.jsonl", toPath: elsewhere.path + "/metadata.jsonl")
        symlink(elsewhere.path + "/metadata.jsonl", folder.path + "/metadata.jsonl")
        let (list, faults) = try read(folder)
        #expect(list == nil)
        #expect(faults == ["metadata.jsonl: is a link that leaves the job's folder; copy the file itself into it"])
    }

    @Test func missingEmptyAndMisencodedFiles() throws {
        let folder = try TemporaryFolder()
        #expect(try read(folder).1 == ["metadata.jsonl: is not there; it lists the subjects and photos, one JSON object a line"])
        try folder.write("\n", to: "metadata.jsonl")
        #expect(try read(folder).1 == [#"metadata.jsonl: is empty; its first line is the table of subjects: {"id": {"a": "olis toy", "b": "hta corgi"}}"#])
        try folder.write(Data([0xFF, 0xFE, 0x7B, 0]), to: "metadata.jsonl")
        #expect(try read(folder).1 == ["metadata.jsonl:1: is UTF-16; save the file as UTF-8"])
        try folder.write(Data("{\"id\": {\"a\": \"x\"}}\n{\"id\": \"".utf8) + Data([0xE4]) + Data("\"}".utf8), to: "metadata.jsonl")
        #expect(try read(folder).1.contains("metadata.jsonl:2: is not valid UTF-8; save the file as UTF-8"))
    }

    @Test func aPhotoOfTwoSubjectsMayComeTwice() throws {
        let folder = try makeJobFolder()
        try folder.write(try folder.read("metadata.jsonl") + "\n" + #"{"id": "b", "file_name": "a00.jpg", "mask_path": "mask_b00.jpg"}"#, to: "metadata.jsonl")
        #expect(try read(folder).1 == [])
    }

    /// From a Mac and from elsewhere: two files that look the same.
    @Test func namesThatDifferInSpellingOnly() throws {
        let folder = try makeJobFolder(), precomposed = "\u{E9}.jpg", decomposed = "e\u{301}.jpg"
        let text = try folder.read("metadata.jsonl")
        for name in [precomposed, decomposed] { try folder.write("photo", to: name) }
        for subject in ["a", "b"] {
            try folder.write(text + "\n{\"id\": \"a\", \"file_name\": \"\(precomposed)\"}\n{\"id\": \"\(subject)\", \"file_name\": \"\(decomposed)\"}", to: "metadata.jsonl")
            let faults = try read(folder).1
            #expect(faults.count == 1 && faults[0].contains("looks like the file of line") && faults[0].contains("rename one of the two"), "\(faults)")
        }
    }

    @Test func limitingTakesFromEachSubjectInTurn() {
        let photos = ["a", "a", "a", "b", "b", "c"].enumerated().map { PhotoEntry(subject: $1, file: "\($0)", mask: nil, captions: ["x"], line: $0) }
        let list = PhotoList(source: "", subjects: ["a", "b", "c"].map { .init(key: $0, phrase: $0) }, photos: photos)
        #expect(list.limited(to: 6) == list)
        #expect(list.limited(to: 4).photos.map(\.file) == ["0", "1", "3", "5"])
        #expect(list.limited(to: 5).photos.map(\.file) == ["0", "1", "3", "4", "5"])
        #expect(list.limited(to: 2).photos.map(\.subject) == ["a", "b"])
        // Where the table is missing or lacks subjects there is an end too.
        #expect(PhotoList(source: "", subjects: [], photos: photos).limited(to: 4).photos == [])
        #expect(PhotoList(source: "", subjects: [.init(key: "b", phrase: "b")], photos: photos).limited(to: 4).photos.map(\.file) == ["3", "4"])
    }
}
