extension Configuration {
    /// A job's specification as far as it can be read; its faults are told by its worker.
    public func specification(_ file: String?, in folder: JobFolder) -> JobSpecification {
        var layers = SpecificationLayers()
        if let defaultJob { layers.add(defaultJob) }
        if let file, let bytes = try? folder.contents(of: file) { layers.add(file: bytes, name: file) }
        return layers.resolve().0
    }
}
