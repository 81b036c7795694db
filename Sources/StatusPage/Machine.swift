import Foundation

/// This machine, as others call it.
enum Machine {
    /// Its host name in lower case, without a domain.
    static let name: String = {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "" }
        let name = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return name.lowercased().split(separator: ".").first.map(String.init) ?? ""
    }()
}
