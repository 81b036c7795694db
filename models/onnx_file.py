"""Reads what is needed of an ONNX file: its nodes in order and its float32 constants. The standard library only.

An ONNX file is one protobuf message (onnx.proto: ModelProto.graph = 7; GraphProto.node = 1, .initializer = 5;
NodeProto.input = 1, .output = 2, .op_type = 4, .attribute = 5; AttributeProto.name = 1, .ints = 8; TensorProto.dims = 1,
.data_type = 2, .float_data = 4, .name = 8, .raw_data = 9).
"""


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7


def fields(data):
    """(number, value) of every field of a message: an integer, or the bytes of what has a length."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, at = varint(data, at)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
            value, at = data[at:at + size], at + size
        elif kind == 2:
            size, at = varint(data, at)
            if at + size > len(data):
                raise ValueError("cut short")
            value, at = data[at:at + size], at + size
        else:
            raise ValueError(f"wire type {kind}")
        yield number, value


def integers(values):
    """Repeated integers, packed into bytes or one by one."""
    for value in values:
        if isinstance(value, int):
            yield value
            continue
        at = 0
        while at < len(value):
            one, at = varint(value, at)
            yield one


def collect(data, *numbers):
    """The values of some fields, each as a list."""
    found = {number: [] for number in numbers}
    for number, value in fields(data):
        if number in found:
            found[number].append(value)
    return found


class Node:
    def __init__(self, data):
        parts = collect(data, 1, 2, 4, 5)
        self.inputs = [bytes(v).decode() for v in parts[1]]
        self.outputs = [bytes(v).decode() for v in parts[2]]
        self.operation = bytes(parts[4][0]).decode()
        self.integers = {}
        for attribute in parts[5]:
            values = collect(attribute, 1, 8)
            self.integers[bytes(values[1][0]).decode()] = list(integers(values[8]))


def read(data):
    """The nodes of the graph, and name -> (shape, float32 bytes) of its constants."""
    graph = collect(memoryview(data), 7)[7][0]
    parts = collect(graph, 1, 5)
    constants = {}
    for tensor in parts[5]:
        values = collect(tensor, 1, 2, 4, 8, 9)
        if values[2] == [1]:
            numbers = b"".join(bytes(v) for v in values[9] + values[4])
            constants[bytes(values[8][0]).decode()] = (tuple(integers(values[1])), numbers)
    return [Node(node) for node in parts[1]], constants
