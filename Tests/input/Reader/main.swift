import Images
import Jobs
import ReaderLoop

// Pictures and texts of jobs, through the very readers of the programs.
ReaderLoop.run { kind, path in
    switch kind {
    case "photo":
        let image = try ImageFile.readPhoto(path)
        return "\(image.width) × \(image.height), sum \(image.bytes.reduce(0) { $0 &+ Int($1) })"
    case "mask":
        let image = try ImageFile.readMask(path)
        return "\(image.width) × \(image.height), sum \(image.bytes.reduce(0) { $0 &+ Int($1) })"
    case "job":
        let job = try Job.load(JobFolder(path))
        return "\(job.photos.photos.count) photos, \(job.specification.maxTrainSteps) steps, \(job.warnings.count) warnings"
    case "configuration":
        return "\(try Configuration.load(path).models.count) models"
    default:
        fatalError("nobody reads a \(kind)")
    }
}
