import Tensors

/// The command line of `vision-model`.
struct Options {
    enum Kind: String { case owlv2, sam }

    let kind: Kind
    let directory: String
    private(set) var image = "", save: String?
    private(set) var precision = ElementType.float32
    private(set) var warm = 1, runs = 3
    private(set) var queries: [String] = []
    private(set) var box: [Double] = []

    struct Wrong: Error, CustomStringConvertible { let description: String }

    init(_ arguments: [String]) throws {
        guard arguments.count >= 2, let kind = Kind(rawValue: arguments[0]) else {
            throw Wrong(description: "vision-model owlv2|sam DIR --image FILE [--precision no|bf16] [--warm N] [--runs N] [--query TEXT]… [--box x0,y0,x1,y1] [--save FILE]")
        }
        (self.kind, directory) = (kind, arguments[1])
        var rest = arguments.dropFirst(2)
        while let name = rest.popFirst() {
            guard let value = rest.popFirst() else { throw Wrong(description: "\(name) needs a value") }
            switch (name, Int(value)) {
            case ("--image", _): image = value
            case ("--save", _): save = value
            case ("--query", _): queries.append(value)
            case ("--box", _): box = value.split(separator: ",").compactMap { Double($0) }
            case ("--warm", let n?): warm = n
            case ("--runs", let n?): runs = n
            case ("--precision", _) where ["no", "bf16"].contains(value): precision = value == "bf16" ? .bfloat16 : .float32
            default: throw Wrong(description: "\(name) \(value) is not understood")
            }
        }
        guard !image.isEmpty else { throw Wrong(description: "--image is missing") }
        if kind == .owlv2, queries.isEmpty { queries = ["corgi"] }
    }

    /// Runs the encoder as often as asked for.
    func measured(load: Double, prepare: Double, _ encode: () -> Tensor) -> Report {
        var seconds: [Double] = [], cpu: [Double] = []
        for run in 0..<warm + runs {
            let before = processorSeconds(), (time, _) = timed(encode)
            guard run >= warm else { continue }
            seconds.append(time)
            cpu.append(processorSeconds() - before)
        }
        return Report(load: load, prepare: prepare, seconds: seconds, cpu: cpu)
    }
}
