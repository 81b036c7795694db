/// The one place that refuses what a specification can say and the engine does not run. To lift a refusal,
/// delete its lines here.
enum Availability {
    static func faults(of specification: JobSpecification, at values: KeyedValues) -> [Fault] {
        var faults: [Fault] = []
        let refuse = { (key: String, inner: String?, message: String) in
            let table = values.value(key)
            let place = inner.flatMap { name in table?.entries?.first { $0.key == name }?.location } ?? values.location(key)
            faults.append(place?.fault(message) ?? Fault(message))
        }
        if specification.lrScheduler == .polynomial, specification.learningRate <= 1e-7 {
            refuse("learning_rate", nil, "`lr_scheduler: polynomial` ends at a rate of 1e-7, and `learning_rate` is not above it; raise it, or use `lr_scheduler: linear`")
        }
        return faults
    }
}
