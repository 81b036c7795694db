import Foundation

/// Reads strange files one after the other, as the input campaign asks for them: a line `KIND<tab>PATH` comes in, a line of JSON goes out.
/// What ends the process is a fault, and the campaign knows by which file.
public enum ReaderLoop {
    private struct Answer: Encodable {
        /// What was read; nil where it was refused.
        var found: String?
        /// Why it was refused: the type of the error, and its words.
        var error: String?, said: String?
        /// The most memory that this one took, in KiB, as far as it can be told.
        var peak: Int
    }

    /// - Parameter read: what it found in the file at a path, in a few words.
    public static func run(_ read: (_ kind: String, _ path: String) throws -> String) {
        while let line = readLine() {
            guard let tab = line.firstIndex(of: "\t") else { fatalError("no tab in \(line)") }
            forgetPeak()
            var answer = Answer(peak: 0)
            do { answer.found = try read(String(line[..<tab]), String(line[line.index(after: tab)...])) } catch {
                (answer.error, answer.said) = ("\(type(of: error))", "\(error)")
            }
            answer.peak = peak()
            guard let json = try? JSONEncoder().encode(answer) else { fatalError("an answer that cannot be written: \(answer)") }
            FileHandle.standardOutput.write(json + [UInt8(ascii: "\n")])
        }
    }

    /// The system counts the most resident memory anew (proc(5), clear_refs).
    private static func forgetPeak() {
        let descriptor = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC)
        if descriptor >= 0 {
            _ = write(descriptor, "5", 1)
            close(descriptor)
        }
    }

    private static func peak() -> Int {
        let text = FileManager.default.contents(atPath: "/proc/self/status").map { String(decoding: $0, as: UTF8.self) } ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        return line.flatMap { Int($0.filter(\.isNumber)) } ?? 0
    }
}
