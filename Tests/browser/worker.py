#!/usr/bin/env python3
"""Stands in for `segmix run`: what the job's folder is called says what it does."""
import json
import math
import os
import signal
import struct
import sys
import time
import zlib

arguments = dict(zip(sys.argv[3::2], sys.argv[4::2]))
name, output = os.path.basename(sys.argv[2]), arguments["--output"]


def png(path, seed, width=192, height=128):
    rows = b"".join(
        b"\0" + bytes(int(127 + 120 * math.sin((x * (1 + seed % 5) + y * c + seed * 9) / 23)) for x in range(width) for c in (1, 2, 3)) for y in range(height))
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    with open(path + ".tmp", "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
    os.rename(path + ".tmp", path)


def say(**line):
    print(json.dumps(line), flush=True)


def train(steps, pause):
    for step in range(1, steps + 1):
        loss = 0.3 * math.exp(-step / 200) + 0.02 * math.sin(step * 1.7)
        with open(output + "/metrics.jsonl", "a") as file:
            file.write(json.dumps({"step": step, "loss": loss}) + "\n")
        say(phase="train", step=step, total=steps, loss=loss, secondsPerStep=pause, remaining=(steps - step) * pause)
        if step % 20 == 0:
            png(f"{output}/samples/step-{step:06}-0.png", step)
            print(f"validation picture at step {step}", flush=True)
        time.sleep(pause)


os.makedirs(output + "/samples", exist_ok=True)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(75))
print(f"working on {name}", flush=True)
if name.startswith("bad"):
    with open(output + "/error.txt", "w") as file:
        file.write("a03.jpg is no picture that can be read: it ends after 812 bytes. Save it again, or take it out of metadata.jsonl.\n")
    sys.exit(65)
if name.startswith("long"):
    train(2010, 0.1)
train(45, 0)
for i in range(6):
    png(f"{output}/samples/final-{i}.png", i)
with open(output + "/report.html", "w") as file:
    file.write("<!doctype html><title>report</title><script>document.title = 'it ran'</script><p>What came out.")
with open(output + "/pytorch_lora_weights.safetensors", "w") as file:
    file.write("lora")
