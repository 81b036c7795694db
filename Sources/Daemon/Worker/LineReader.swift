import Foundation

/// Reads lines from a pipe on a thread of its own until the other end closes.
enum LineReader {
    /// Longer lines are handed over in pieces.
    private static let longest = 1 << 16

    /// Closes `descriptor` in the end.
    static func read(_ descriptor: Int32, _ take: @escaping @Sendable (String) -> Void) async {
        await withCheckedContinuation { continuation in
            let thread = Thread {
                var pending: [UInt8] = []
                var buffer = [UInt8](repeating: 0, count: 16_384)
                while true {
                    let count = Foundation.read(descriptor, &buffer, buffer.count)
                    if count < 0 && errno == EINTR { continue }
                    if count <= 0 { break }
                    pending += buffer[..<count]
                    while let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
                        take(String(decoding: pending[..<end], as: UTF8.self))
                        pending.removeFirst(end + 1)
                    }
                    if pending.count >= longest {
                        take(String(decoding: pending, as: UTF8.self))
                        pending = []
                    }
                }
                if !pending.isEmpty { take(String(decoding: pending, as: UTF8.self)) }
                close(descriptor)
                continuation.resume()
            }
            thread.name = "worker output"
            thread.start()
        }
    }
}
