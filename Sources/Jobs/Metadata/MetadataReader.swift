import Files
import Foundation

/// Reads `metadata.jsonl` or `prior/class_metadata.jsonl`: the subjects' table on the first line, then one photo a
/// line. Every fault is found, with its line.
struct MetadataReader {
    static let maximumBytes = 64 << 20
    /// A line of a photo has some hundred bytes.
    static let longestLine = 1 << 20
    static let mostSubjects = 1000
    /// After so many nothing more is looked at.
    static let mostFaults = 1000

    /// As faults and `PhotoList.source` call it: `prior/class_metadata.jsonl`.
    let source: String
    private var paths: JobPath
    /// Prior images are of plain classes, without rare words.
    private var example: String {
        source == "metadata.jsonl" ? #"{"id": {"a": "olis toy", "b": "hta corgi"}}"# : #"{"id": {"a": "toy", "b": "corgi"}}"#
    }
    private var folder: String { source.lastIndex(of: "/").map { String(source[..<$0]) } ?? "" }

    private var faults: [Fault] = []
    private var subjects: [SubjectEntry] = []
    private var photos: [PhotoEntry] = []
    private var firstLines: [[UInt8]: Int] = [:]
    /// Every file that was named, as it was first spelt. To Swift, as to a Mac, an accent on its letter and one behind it are the same.
    private var spellings: [String: (bytes: [UInt8], line: Int)] = [:]

    /// - Returns: the list, as far as it could be read, and all faults. The list is nil where there is none at all.
    static func read(_ source: String, paths: JobPath) -> (PhotoList?, [Fault]) {
        do throws(JobPath.Refusal) { try paths.refuseLinkOut(source) } catch { return (nil, [Fault(file: source, error.reason, mayPass: error.mayPass)]) }
        let bytes: [UInt8]?
        do throws(FileError) {
            bytes = try Folder.contents(of: paths.root + "/" + source, limit: maximumBytes)
        } catch {
            let reason = error.code == EFBIG ? "it is larger than 64 MiB" : error.reason
            return (nil, [Fault(file: source, "cannot be read: \(reason)", mayPass: error.mayPass)])
        }
        guard let bytes else { return (nil, [Fault(file: source, "is not there; it lists the subjects and photos, one JSON object a line")]) }
        var reader = MetadataReader(source: source, paths: paths)
        reader.read(bytes)
        return (PhotoList(source: source, subjects: reader.subjects, photos: reader.photos), reader.faults)
    }

    private init(source: String, paths: JobPath) {
        self.source = source
        self.paths = paths
    }

    private mutating func read(_ bytes: [UInt8]) {
        let text = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes[3...] : bytes[...]
        if text.starts(with: [0xFF, 0xFE]) || text.starts(with: [0xFE, 0xFF]) {
            fault(1, "is UTF-16; save the file as UTF-8")
            return
        }
        var seenTable = false
        var number = 0
        for line in text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            number += 1
            guard faults.count < Self.mostFaults else {
                fault(number, "has \(Self.mostFaults) faults up to here; the rest was not looked at")
                return
            }
            guard line.count <= Self.longestLine else {
                fault(number, "is a line of \(line.count) bytes; at most \(Self.longestLine) are read, and every photo has a line of its own")
                seenTable = true
                continue
            }
            if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { continue }
            guard let string = String(validating: line, as: UTF8.self) else {
                fault(number, "is not valid UTF-8; save the file as UTF-8")
                seenTable = true
                continue
            }
            do throws(JSON.Fault) {
                let value = try JSON(string, allowsNUL: false)
                guard let members = value.members else {
                    fault(number, "must be a JSON object ({…}), not \(value.kind); every line is one whole object")
                    seenTable = true
                    continue
                }
                if seenTable { photo(members, line: number) } else { table(members, line: number) }
            } catch {
                let column = String(decoding: line.prefix(error.at), as: UTF8.self).unicodeScalars.count + 1
                fault(number, "broken JSON at column \(column): \(error.message); every line is one whole object")
            }
            seenTable = true
        }
        if !seenTable { fault(nil, "is empty; its first line is the table of subjects: \(example)") }
        // Where a line is at fault anyway, a subject may only seem to be without photos.
        if faults.isEmpty {
            for subject in subjects where !photos.contains(where: { $0.subject == subject.key }) {
                fault(nil, "the subject \"\(subject.key)\" (\(subject.phrase)) has no photo; add a line with \"id\": \"\(subject.key)\", or \(source == Job.priorList ? "set `with_prior_preservation: false`" : "take it out of the table")")
            }
        }
    }

    private mutating func table(_ members: [JSON.Member], line: Int) {
        guard members.count == 1, members[0].name == "id", let entries = members[0].value.members else {
            fault(line, "the first line must be the table of subjects: \(example)")
            return
        }
        guard entries.count <= Self.mostSubjects else {
            fault(line, "the table has \(entries.count) subjects; at most \(Self.mostSubjects) are taken")
            return
        }
        if entries.isEmpty { fault(line, "the table of subjects is empty; name at least two: \(example)") }
        for entry in entries {
            let phrase = entry.value.string?.withoutOuterSpace ?? ""
            if entry.name.isEmpty {
                fault(line, "a subject's key is empty")
            } else if phrase.isEmpty {
                fault(line, "the phrase of the subject \"\(entry.name)\" must be a text such as \"olis toy\", not \(entry.value.string == nil ? entry.value.kind : "empty")")
            }
            subjects.append(SubjectEntry(key: entry.name, phrase: phrase))
        }
    }

    private mutating func photo(_ members: [JSON.Member], line: Int) {
        var values: [String: JSON] = [:]
        for member in members where member.value != .null {
            values[member.name] = member.value
            if let meant = Self.misspelt(member.name), !members.contains(where: { $0.name == meant }) {
                fault(line, "unknown key \"\(member.name)\"; did you mean \"\(meant)\"?")
            }
        }
        if case .object? = values["id"] {
            fault(line, "a second table of subjects; there is one, on the first line")
            return
        }
        let before = faults.count
        let subject = text("id", in: values, line: line, required: true)
        if let subject, !subjects.isEmpty, !subjects.contains(where: { $0.key == subject }) {
            let known = subjects.map { "\"\($0.key)\"" }.joined(separator: ", ")
            fault(line, "the subject \"\(subject)\" is not in the table of the first line (\(known)); correct \"id\" or add it there")
        }
        let file = path("file_name", in: values, line: line, required: true)
        let mask = path("mask_path", in: values, line: line, required: false)
        let captions = captions(values["text"], subject: subject, line: line)
        if let subject, let file {
            if let first = firstLines.updateValue(line, forKey: Array("\(subject)\0\(file)".utf8)) {
                fault(line, "\(file) is already the photo of line \(first); remove one of the two lines")
            }
            if let mask, mask == file { fault(line, "\(mask) is both photo and mask; \"mask_path\" names a picture that is white where the subject is") }
        }
        guard faults.count == before, let subject, let file, let captions else { return }
        photos.append(PhotoEntry(subject: subject, file: file, mask: mask, captions: captions, line: line))
    }

    private mutating func path(_ key: String, in values: [String: JSON], line: Int, required: Bool) -> String? {
        guard let name = text(key, in: values, line: line, required: required) else { return nil }
        do throws(JobPath.Refusal) {
            let file = try paths.resolve(name, in: folder), bytes = Array(file.utf8)
            if let first = spellings[file], first.bytes != bytes {
                fault(line, "\(key) \"\(name)\" looks like the file of line \(first.line) and is another: its accents are written in another way (as on a Mac); rename one of the two files")
            }
            spellings[file] = (bytes, line)
            return file
        } catch {
            fault(line, "\(key) \"\(name)\" \(error.reason)", mayPass: error.mayPass)
            return nil
        }
    }

    private mutating func text(_ key: String, in values: [String: JSON], line: Int, required: Bool) -> String? {
        guard let value = values[key] else {
            if required { fault(line, "\"\(key)\" is missing; a photo's line is {\"id\": \"a\", \"file_name\": \"a00.jpg\", \"mask_path\": \"mask_a00.jpg\", \"text\": \"…\"}") }
            return nil
        }
        guard let string = value.string else {
            fault(line, "\"\(key)\" must be a text in double quotes, not \(value.kind)")
            return nil
        }
        return string
    }

    private mutating func captions(_ value: JSON?, subject: String?, line: Int) -> [String]? {
        guard let value else {
            let phrase = subjects.first { $0.key == subject }?.phrase
            return phrase.map { ["A photo of a \($0)"] }
        }
        switch value {
        case .string(let text) where !text.withoutOuterSpace.isEmpty: return [text]
        case .array(let items) where !items.isEmpty && items.allSatisfy({ $0.string.map { !$0.withoutOuterSpace.isEmpty } ?? false }):
            return items.compactMap(\.string)
        default:
            fault(line, "\"text\" must be a caption or a list of captions, none of them empty; leave it out for \"A photo of a …\"")
            return nil
        }
    }

    private mutating func fault(_ line: Int?, _ message: String, mayPass: Bool = false) {
        faults.append(Fault(file: source, line: line, message, mayPass: mayPass))
    }

    /// The key somebody meant. Other keys than ours are allowed: metadata made for other programs has them.
    private static func misspelt(_ key: String) -> String? {
        let known = ["id", "file_name", "mask_path", "text"]
        if known.contains(key) { return nil }
        let others = [
            "mask": "mask_path", "mask_file": "mask_path", "mask_name": "mask_path", "mask_file_name": "mask_path", "file": "file_name",
            "filename": "file_name", "file_path": "file_name", "path": "file_name", "image": "file_name", "photo": "file_name",
            "caption": "text", "captions": "text", "prompt": "text", "texts": "text", "subject": "id", "ID": "id", "Id": "id",
        ]
        return others[key] ?? others[key.lowercased()] ?? (key.count > 3 ? Suggestion.nearest(to: key, among: known.dropFirst()) : nil)
    }
}
