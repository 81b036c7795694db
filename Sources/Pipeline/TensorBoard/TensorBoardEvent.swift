import Foundation

/// What TensorBoard's event files hold (`tensorflow.Event`), as records with checksums (TFRecord):
///
///     UInt64 length, UInt32 masked CRC32C of it, the message, UInt32 masked CRC32C of the message
enum TensorBoardEvent {
    /// The first record of every file.
    static func version(time: Double) -> [UInt8] {
        var event = ProtobufMessage()
        event.add(1, double: time)
        event.add(3, text: "brain.Event:2")
        return event.bytes
    }

    static func scalars(_ values: [(tag: String, value: Double)], step: Int, time: Double) -> [UInt8] {
        var summary = ProtobufMessage()
        for (tag, number) in values {
            var value = ProtobufMessage()
            value.add(1, text: tag)
            value.add(2, float: Float(number))
            summary.add(1, message: value)
        }
        return event(summary, step: step, time: time)
    }

    /// `png`: an encoded RGB picture.
    static func picture(_ tag: String, png: Data, width: Int, height: Int, step: Int, time: Double) -> [UInt8] {
        var picture = ProtobufMessage()
        picture.add(1, integer: height)
        picture.add(2, integer: width)
        picture.add(3, integer: 3)
        picture.add(4, bytes: png)
        var value = ProtobufMessage(), summary = ProtobufMessage()
        value.add(1, text: tag)
        value.add(4, message: picture)
        summary.add(1, message: value)
        return event(summary, step: step, time: time)
    }

    private static func event(_ summary: ProtobufMessage, step: Int, time: Double) -> [UInt8] {
        var event = ProtobufMessage()
        event.add(1, double: time)
        event.add(2, integer: step)
        event.add(5, message: summary)
        return event.bytes
    }

    static func record(_ message: [UInt8]) -> Data {
        let length = withUnsafeBytes(of: UInt64(message.count).littleEndian, Array.init)
        func checked(_ bytes: [UInt8]) -> [UInt8] { bytes + withUnsafeBytes(of: CRC32C.masked(bytes).littleEndian, Array.init) }
        return Data(checked(length) + checked(message))
    }

    /// The messages of a file up to the first record that is cut off or damaged.
    static func messages(_ file: Data) -> [[UInt8]] {
        let bytes = Array(file)
        var messages: [[UInt8]] = [], at = 0
        func number(_ from: Int, _ count: Int) -> UInt64 { (0..<count).reduce(0) { $0 | UInt64(bytes[from + $1]) << (8 * UInt64($1)) } }
        while bytes.count - at >= 16 {
            let length = number(at, 8)
            guard UInt64(CRC32C.masked(bytes[at..<at + 8])) == number(at + 8, 4), length <= UInt64(bytes.count - at - 16) else { break }
            let end = at + 12 + Int(length), message = Array(bytes[at + 12..<end])
            guard UInt64(CRC32C.masked(message)) == number(end, 4) else { break }
            messages.append(message)
            at = end + 4
        }
        return messages
    }

    /// Whether one of our messages is a picture.
    static func isPicture(_ message: [UInt8]) -> Bool {
        // Time, step, then the summary with its first value: a tag, and what bears it.
        var at = 9
        guard varint(message, &at) == 2 << 3 else { return false }
        _ = varint(message, &at)
        guard varint(message, &at) == 5 << 3 | 2 else { return false }
        _ = varint(message, &at)
        guard varint(message, &at) == 1 << 3 | 2 else { return false }
        _ = varint(message, &at)
        guard varint(message, &at) == 1 << 3 | 2 else { return false }
        let tag = varint(message, &at)
        return tag < message.count - at && message[at + tag] == 4 << 3 | 2
    }

    /// The step of one of our messages; 0 where it has none.
    static func step(of message: [UInt8]) -> Int {
        // After the time (a key and eight bytes) comes field 2, a varint.
        var at = 9
        return varint(message, &at) == 2 << 3 ? varint(message, &at) : 0
    }

    /// The whole number at `at`, seven bits a byte, which it goes past; what is cut off ends where the message does.
    private static func varint(_ message: [UInt8], _ at: inout Int) -> Int {
        var value = 0, shift = 0
        while at < message.count, shift < 56 {
            let byte = Int(message[at])
            at += 1
            value |= (byte & 0x7F) << shift
            if byte & 0x80 == 0 { break }
            shift += 7
        }
        return value
    }
}
