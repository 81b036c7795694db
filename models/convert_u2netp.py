"""Turns U2-NetP's ONNX file into a directory with config.json and model.safetensors. The standard library only.

The exporter has folded the batch norms into the convolutions and dropped their names; their order and their dilations
are those of the network (Qin et al. 2020), from which the names of the original are given back.
"""
import json
import os

import onnx_file
import safetensors_file


def blocks():
    """(key, dilation) of every convolution, in the order in which the network computes them."""
    depths = [7, 6, 5, 4, 0, 0]

    def block(stage, depth):
        yield f"{stage}.rebnconvin.conv_s1", 1
        if depth:
            for i in range(1, depth + 1):
                yield f"{stage}.rebnconv{i}.conv_s1", 2 if i == depth else 1
            for i in range(depth - 1, 0, -1):
                yield f"{stage}.rebnconv{i}d.conv_s1", 1
        else:
            for i in range(1, 5):
                yield f"{stage}.rebnconv{i}.conv_s1", 2 ** (i - 1)
            for i in range(3, 0, -1):
                yield f"{stage}.rebnconv{i}d.conv_s1", 2 ** (i - 1)

    for i, depth in enumerate(depths):
        yield from block(f"stage{i + 1}", depth)
    for i in range(5, 0, -1):
        yield from block(f"stage{i}d", depths[i - 1])
    for i in range(1, 7):
        yield f"side{i}", 1
    yield "outconv", 1


def convert(source, folder):
    with open(source, "rb") as file:
        nodes, constants = onnx_file.read(file.read())
    convolutions = [node for node in nodes if node.operation == "Conv"]
    keys = list(blocks())
    if len(convolutions) != len(keys):
        raise SystemExit(f"{source}: {len(convolutions)} convolutions where U2-Net has {len(keys)}; it is another network")
    tensors = {}
    for node, (key, dilation) in zip(convolutions, keys):
        if node.integers.get("dilations", [1, 1]) != [dilation, dilation] or len(node.inputs) != 3:
            raise SystemExit(f"{source}: the convolution {node.inputs} does not fit {key}; it is another network")
        tensors[key + ".weight"], tensors[key + ".bias"] = constants[node.inputs[1]], constants[node.inputs[2]]
    os.makedirs(folder, exist_ok=True)
    safetensors_file.write(os.path.join(folder, "model.safetensors"), tensors, {"format": "pt"})
    with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as file:
        json.dump({"model_type": "u2net", "input_size": 320}, file, indent=2)
        file.write("\n")
