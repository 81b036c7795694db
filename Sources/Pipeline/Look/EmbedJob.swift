import CPUDevice
import Images
import Vision

/// `segmix embed`: DINOv2's vectors of pictures.
public struct EmbedJob {
    let model: String, images: [String]

    /// - Parameter model: DINOv2's directory.
    public init(model: String, images: [String]) { (self.model, self.images) = (model, images) }

    public struct Embedding: Encodable {
        public let image: String
        /// The mean of the last hidden states.
        public let embedding: [Float]
    }

    public struct Result: Encodable {
        public let images: [Embedding]

        /// A line for each picture: its name, then the numbers.
        public var lines: [String] { images.map { ([$0.image] + $0.embedding.map { "\($0)" }).joined(separator: " ") } }
    }

    /// - Throws: `JobFailure` (unavailable) where the model is not there; the errors of reading it and the pictures.
    public func run() throws -> Result {
        try DetectionOptions.requireModel(model, "DINOv2", like: "facebook/dinov2-base")
        CPUDevice.install()
        let embedder = try DINOv2(directory: model)
        return Result(images: try images.map { Embedding(image: $0, embedding: try embedder.embedding(of: try ImageFile.readPhoto($0), name: $0)) })
    }
}
