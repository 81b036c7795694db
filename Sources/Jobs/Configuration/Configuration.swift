/// The machine's configuration: `segmixd.yaml`.
public struct Configuration: Equatable, Sendable, Codable {
    public static let defaultPath = "/etc/segmixd/segmixd.yaml"

    /// The directories of one model; each has Hugging Face's layout.
    public struct Model: Equatable, Sendable, Codable {
        /// Holds `unet`, `vae`, `text_encoder`, `text_encoder_2`, the tokenizers and `scheduler`.
        public var base: String
        /// Used instead of `base/vae`.
        public var vae: String?
        public var owlv2: String?
        public var sam: String?
        public var dinov2: String?
        /// Which weights of `base` and `vae` are read where there are both; nil: the full ones.
        public var variant: Variant?

        public enum Variant: String, Codable, CaseIterable, Sendable { case fp16 }

        public init(base: String, vae: String? = nil, owlv2: String? = nil, sam: String? = nil, dinov2: String? = nil, variant: Variant? = nil) {
            self.base = base
            self.variant = variant
            self.vae = vae
            self.owlv2 = owlv2
            self.sam = sam
            self.dinov2 = dinov2
        }
    }

    /// The file it was read from, absolute.
    public var path: String?
    public var inbox = "/srv/segmixd/inbox"
    public var outbox = "/srv/segmixd/outbox"
    public var state = "/var/lib/segmixd"
    public var models: [String: Model] = [:]
    /// What a folder's own specification leaves out. Where it is set, a folder without a specification is a job.
    public var defaultJob: YAMLNode?
    /// How long a folder must stay unchanged before it is taken.
    public var settleSeconds = 10.0
    /// How often the inbox is looked through even if nothing was heard of it: network shares send no events.
    public var rescanSeconds = 60.0
    /// When jobs may run; nil: always.
    public var hours: RunningHours?
    /// How often a job is started before it is given up.
    public var maxAttempts = 3
    /// In bytes, on the file system of `state`; no job is started below it.
    public var minFreeSpace = 2 << 30
    /// The directory of the default mask models (`u2netp`, `mobile_sam`); nil: where they are installed.
    public var maskModels: String?
    /// In bytes: how large the cache of prior images in `state` may grow, and that of models on other machines; what was
    /// not used for longest goes first.
    public var cacheSize = 20 << 30
    /// How many jobs run at once, at most.
    public var workers = 1
    /// Processor cores for all jobs together; nil: all there are.
    public var cores: Int?
    /// Memory for all jobs together, in bytes; nil: nine tenths of the machine's.
    public var memory: Int?
    /// What one job may take, in bytes: a worker that takes more is ended. nil: no limit of its own.
    public var memoryPerJob: Int?
    /// A worker that says nothing for so long (and for thirty of its steps) is ended and tried again.
    public var stallSeconds = 1800.0
    /// A command, or a URL, that is told of every job that went well; and of every one that failed.
    public var onFinish: String?, onFailure: String?
    /// `ADDRESS:PORT` of the status page; nil: none.
    public var statusPage: String? = "127.0.0.1:7474"
    /// What the page asks for before it changes anything; nil: the one in the file `token` of `state`, which is made by chance.
    public var statusToken: String?

    /// The defaults, without any model.
    public init() {}

    /// What a fault of the machine begins with, which is none of the job's.
    public static let noModel = "no model is set up"

    /// How the model of a job is called: as it says itself, the only one, or `default`; nil: none of these.
    public func modelName(for specification: JobSpecification) -> String? {
        specification.model ?? (models.count == 1 ? models.first?.key : models["default"] == nil ? nil : "default")
    }

    /// The model of a job.
    ///
    /// - Throws: a fault that names the models there are.
    public func model(for specification: JobSpecification) throws(Fault) -> Model {
        guard let name = modelName(for: specification) else {
            let file = path ?? Self.defaultPath
            throw models.isEmpty
                ? Fault("\(Self.noModel); name one in `models` of \(file): {sdxl: {base: /path/to/stable-diffusion-xl-base-1.0}}")
                : Fault("`model` is missing; it must be one of \(names) (`models` of \(file))")
        }
        if let model = models[name] { return model }
        if name.hasPrefix("/") { return Model(base: name) }
        let hint = Suggestion.clause(for: name, among: models.keys.sorted())
        let choice = models.isEmpty ? "there are none yet" : "there are \(names)"
        throw Fault("`model: \(name)` is not among the configuration's `models` (\(choice))\(hint.isEmpty ? "; name one of them, or the absolute path of a model directory" : hint)")
    }

    /// `model(for:)`'s fault with its place in the specification.
    func faults(inModelOf specification: JobSpecification, at root: YAMLNode) -> [Fault] {
        do throws(Fault) {
            _ = try model(for: specification)
            return []
        } catch {
            return [specification.model == nil ? error : root.locationOfEntry("model").fault(error.message)]
        }
    }

    private var names: String { models.keys.sorted().joined(separator: ", ") }
}
