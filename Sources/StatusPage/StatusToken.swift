import Files
import Foundation
import Jobs

/// The word that whoever wants to change something over the network must know.
enum StatusToken {
    /// `status_token` of the configuration; or the one in `STATE/token`, which is made by chance where there is none.
    static func load(_ configuration: Jobs.Configuration) throws -> String {
        if let token = configuration.statusToken { return token }
        let path = Directory.joined(configuration.state, "token")
        if let bytes = try Folder.contents(of: path, limit: 4096) {
            let token = String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
            if token.utf8.count >= 16 { return token }
        }
        let digits = Array("0123456789abcdef")
        let token = String((0..<40).map { _ in digits.randomElement()! })
        // Never readable for others, not even for a moment.
        let old = umask(0o077)
        defer { umask(old) }
        try AtomicFile.write(token + "\n", to: path)
        return token
    }

    /// Takes as long for a wrong word as for the right one.
    static func matches(_ given: String, _ token: String) -> Bool {
        let a = Array(given.utf8), b = Array(token.utf8)
        var difference = UInt8(a.count == b.count ? 0 : 1)
        for i in b.indices { difference |= b[i] ^ (i < a.count ? a[i] : 0) }
        return difference == 0
    }
}
