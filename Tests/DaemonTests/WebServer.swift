import Foundation
import Synchronization

/// A web server on this machine that answers as a test wants, one connection after the other on threads of their own.
final class WebServer: Sendable {
    enum Answer: Sendable {
        /// A status line's number.
        case status(Int)
        /// Takes the request and never answers.
        case silence
    }

    let url: String
    private let listener: Int32
    private let box = Mutex<[String]>([])

    /// The bodies of all requests.
    var bodies: [String] { box.withLock { $0 } }

    /// - Parameter answer: what the request gets, by its number counted from 0.
    init(_ answer: @escaping @Sendable (Int) -> Answer) throws {
        // A proxy would be asked for this machine itself.
        setenv("no_proxy", "127.0.0.1", 1)
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(listener, address, length) | listen(listener, 16) | getsockname(listener, address, &length)
            }
        }
        guard code == 0 else { throw CocoaError(.fileReadUnknown) }
        self.listener = listener
        url = "http://127.0.0.1:\(UInt16(bigEndian: address.sin_port))/hook"
        let thread = Thread { [listener, self] in
            while true {
                let connection = accept(listener, nil, nil)
                if connection < 0 { return }
                Thread { self.serve(connection, answer) }.start()
            }
        }
        thread.start()
    }

    func close() { shutdown(listener, Int32(SHUT_RDWR)) }

    private func serve(_ connection: Int32, _ answer: @Sendable (Int) -> Answer) {
        var bytes: [UInt8] = [], buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(connection, &buffer, buffer.count)
            if count <= 0 { break }
            bytes += buffer[..<count]
            let text = String(decoding: bytes, as: UTF8.self)
            guard let end = text.range(of: "\r\n\r\n") else { continue }
            let length = text[..<end.lowerBound].split(separator: "\r\n").first { $0.lowercased().hasPrefix("content-length:") }
                .flatMap { Int($0.split(separator: ":")[1].trimmingCharacters(in: .whitespaces)) } ?? 0
            if text.lowercased().contains("expect: 100-continue"), text[end.upperBound...].isEmpty { say(connection, "HTTP/1.1 100 Continue\r\n\r\n") }
            if text[end.upperBound...].utf8.count < length { continue }
            let number = box.withLock { bodies in
                bodies.append(String(text[end.upperBound...]))
                return bodies.count - 1
            }
            if case .status(let status) = answer(number) {
                say(connection, "HTTP/1.1 \(status) Said\r\nContent-Length: 0\r\nLocation: http://127.0.0.1:1/\r\nConnection: close\r\n\r\n")
                break
            }
        }
        Foundation.close(connection)
    }

    private func say(_ connection: Int32, _ text: String) { _ = Array(text.utf8).withUnsafeBytes { write(connection, $0.baseAddress, $0.count) } }
}
