"""Writes safetensors files: an 8-byte length, a JSON header, the numbers. The standard library only."""
import json
import os
import struct


def write(path, tensors, metadata):
    """`tensors`: name -> (shape, float32 bytes, little-endian). The file appears whole or not at all."""
    header, at = {"__metadata__": metadata}, 0
    for name in sorted(tensors):
        shape, data = tensors[name]
        count = 4
        for side in shape:
            count *= side
        if len(data) != count:
            raise SystemExit(f"{path}: {name} has {len(data)} bytes, but its shape {list(shape)} needs {count}")
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [at, at + len(data)]}
        at += len(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path + ".part", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name in sorted(tensors):
            file.write(tensors[name][1])
        file.flush()
        os.fsync(file.fileno())
    os.replace(path + ".part", path)
