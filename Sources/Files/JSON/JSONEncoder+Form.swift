import Foundation

extension JSONEncoder {
    /// An encoder that writes in this form.
    public convenience init(_ form: OutputFormatting, dates: DateEncodingStrategy = .deferredToDate) {
        self.init()
        (outputFormatting, dateEncodingStrategy) = (form, dates)
    }
}
