import ArgumentParser
import Files
import Foundation
import Jobs

struct SubmitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "submit", abstract: "Copies a job's folder into the inbox so that it appears there whole and is taken at once.")

    @OptionGroup var options: QueueOptions

    @Argument(help: "The job's folder.", completion: .directory)
    var folder: String

    @Option(help: "What the job is to be called; left out: as its folder.")
    var name: String?

    func run() throws {
        let configuration = try options.configuration()
        let job = JobFolder(try absolute(folder))
        guard Folder.leadsToDirectory(job.path) else { throw FileError("open the folder", job.path, code: Folder.exists(job.path) ? ENOTDIR : ENOENT) }
        try job.faults(hasDefaultJob: configuration.defaultJob != nil).throwIfAny()
        let name = name ?? job.name
        guard !name.isEmpty else { throw Fault("a job cannot be called nothing; leave --name out to call it as its folder") }
        guard !name.contains("/"), !IgnoredFiles.contains(name) else {
            throw Fault("`\(name.onOneLine())` cannot be a job's name, because the inbox passes over such files; give it another with --name")
        }
        print("\(try Submission.submit(job.path, to: configuration.inbox, as: name).onOneLine()) is in the inbox \(configuration.inbox)")
        if !QueueOptions.daemonRuns(configuration) { print("segmixd is not running; the job is taken when it starts") }
    }
}
