import Foundation
import Testing

/// One of the package's programs, as it was built beside these tests.
struct Program {
    static let segmix = Program("segmix"), segmixd = Program("segmixd")

    struct Ending {
        let status: Int32
        /// 0 where it was not ended by a signal.
        let signal: Int32
        let output, errors: String
    }

    let path: String

    private init(_ name: String) {
        let tests = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
        let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path
        let candidates = [(tests as NSString).deletingLastPathComponent, package + "/.build/release", package + "/.build/debug"].map { $0 + "/" + name }
        guard let found = candidates.first(where: { FileManager.default.isExecutableFile(atPath: $0) }) else {
            preconditionFailure("\(name) is not built: \(candidates.joined(separator: ", "))")
        }
        path = found
    }

    /// Another than the package's.
    init(at path: String) { self.path = path }

    /// A program at work; what it says goes to files.
    final class Running {
        let process = Process()
        private let folder: String

        fileprivate init(_ program: Program, _ arguments: [String], _ environment: [String: String]) throws {
            folder = NSTemporaryDirectory() + "segmix-said-\(UUID().uuidString)"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            func file(_ name: String) -> FileHandle {
                _ = FileManager.default.createFile(atPath: folder + "/" + name, contents: nil)
                return FileHandle(forWritingAtPath: folder + "/" + name)!
            }
            process.executableURL = URL(fileURLWithPath: program.path)
            process.arguments = arguments
            process.environment = ProcessInfo.processInfo.environment.merging(["SEGMIX_THREADS": "1"]) { $1 }.merging(environment) { $1 }
            process.standardInput = FileHandle.nullDevice
            process.standardOutput = file("output")
            process.standardError = file("errors")
            try process.run()
        }

        deinit {
            if process.isRunning { process.terminate() }
            try? FileManager.default.removeItem(atPath: folder)
        }

        private func text(_ name: String) -> String { (try? String(contentsOfFile: folder + "/" + name, encoding: .utf8)) ?? "" }

        /// What it has said so far.
        var output: String { text("output") }
        var errors: String { text("errors") }

        func end() -> Ending {
            process.waitUntilExit()
            let isSignal = process.terminationReason == .uncaughtSignal
            return Ending(
                status: isSignal ? -1 : process.terminationStatus, signal: isSignal ? process.terminationStatus : 0, output: text("output"),
                errors: text("errors"))
        }

        /// Waits until something holds or the program has ended, at most a minute.
        func until(_ condition: () -> Bool) {
            var turns = 0
            while turns < 60_000, process.isRunning, !condition() {
                usleep(1000)
                turns += 1
            }
        }

        func send(_ signal: Int32) { kill(process.processIdentifier, signal) }
    }

    func start(_ arguments: [String], environment: [String: String] = [:]) throws -> Running { try Running(self, arguments, environment) }
    func run(_ arguments: [String], environment: [String: String] = [:]) throws -> Ending { try start(arguments, environment: environment).end() }
    func run(_ arguments: String...) throws -> Ending { try run(arguments) }
}
