/// A protocol-buffers message being written, field by field in the order of their numbers.
struct ProtobufMessage {
    private(set) var bytes: [UInt8] = []

    private mutating func varint(_ value: UInt64) {
        var rest = value
        while rest > 0x7F {
            bytes.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    private mutating func littleEndian<T: FixedWidthInteger>(_ value: T) { withUnsafeBytes(of: value.littleEndian) { bytes += $0 } }

    mutating func add(_ field: UInt64, integer value: Int) {
        varint(field << 3)
        varint(UInt64(bitPattern: Int64(value)))
    }

    mutating func add(_ field: UInt64, double value: Double) {
        varint(field << 3 | 1)
        littleEndian(value.bitPattern)
    }

    mutating func add(_ field: UInt64, float value: Float) {
        varint(field << 3 | 5)
        littleEndian(value.bitPattern)
    }

    mutating func add(_ field: UInt64, bytes value: some Collection<UInt8>) {
        varint(field << 3 | 2)
        varint(UInt64(value.count))
        bytes += value
    }

    mutating func add(_ field: UInt64, text value: String) { add(field, bytes: value.utf8) }

    mutating func add(_ field: UInt64, message: ProtobufMessage) { add(field, bytes: message.bytes) }
}
