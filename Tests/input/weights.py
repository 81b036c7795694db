"""safetensors files with faults in their headers, and LoRAs among them. Needs Python's own library only."""

import json
import struct

from pictures import cut, flipped, patched

TYPES = {"F32": 4, "F16": 2, "BF16": 2, "I64": 8, "U8": 1, "BOOL": 1, "F64": 8, "F8_E4M3": 1}


def file_of(header, data, length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def tensors(random):
    """A sound header, and its data."""
    header, at = {}, 0
    for i in range(random.randint(1, 6)):
        kind, shape = random.choice(list(TYPES)), [random.randint(0, 5) for _ in range(random.randint(0, 4))]
        size = TYPES[kind]
        for side in shape:
            size *= side
        name = random.choice(["unet.down_blocks.0.attn1.to_q.lora_A.weight", "lora_unet_down_blocks_0_attn1_to_q.alpha", "lora_te1_x.lora_up.weight", "a"]) + (str(i) if i else "")
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [at, at + size]}
        at += size
    if random.random() < 0.5:
        header["__metadata__"] = {"format": "pt", "ss_network_alpha": random.choice(["1", "x", "1e999", ""])}
    return header, random.randbytes(at)


def lora(random):
    """A sound LoRA of one module, or nearly."""
    rank, width = random.choice([1, 2, 4]), random.choice([1, 3, 8])
    kohya = random.random() < 0.5
    base = "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn1_to_q" if kohya else "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q"
    parts = [(base + (".lora_down.weight" if kohya else ".lora_A.weight"), [rank, width]), (base + (".lora_up.weight" if kohya else ".lora_B.weight"), [width, rank])]
    if kohya:
        parts.append((base + ".alpha", random.choice([[], [1], [0], [2]])))
    if random.random() < 0.5:
        at = random.randrange(len(parts))
        name, shape = parts[at]
        parts[at] = random.choice([(name + "x", shape), (name, shape + [1]), (name, [0, 0]), (name, [rank + 1, width]), (name.replace("attn1", "attn9"), shape), (name, [])])
    header, at, data = {}, 0, b""
    for name, shape in parts:
        size = 4
        for side in shape:
            size *= side
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + size]}
        data += random.choice([bytes(size), random.randbytes(size), b"\xff" * size])
        at += size
    return header, data


NUMBERS = [-1, 0, 1, 7, 1 << 31, (1 << 32) - 1, (1 << 62), (1 << 63) - 1, 1 << 63, (1 << 64) - 1, 1 << 64, 10 ** 400, 1.5, 1e300, None, True, "4", [], {}, [[1]]]


def field_edited(random):
    header, data = random.choice([tensors, lora])(random)
    for _ in range(random.randint(1, 2)):
        entry = header[random.choice([name for name in header if name != "__metadata__"])]
        action = random.randrange(6)
        if action == 0 and isinstance(entry.get("data_offsets"), list) and len(entry["data_offsets"]) == 2:
            entry["data_offsets"][random.randrange(2)] = random.choice(NUMBERS)
        elif action == 1:
            entry["data_offsets"] = random.choice([[], [0], [0, 4, 8], None, 5, {"a": 1}, [4, 0], [(1 << 63) - 1, (1 << 63) - 1]])
        elif action == 2:
            entry["shape"] = random.choice([[random.choice(NUMBERS) for _ in range(random.randint(1, 4))], [0, 1 << 62, 1 << 62], [1 << 62, 0], [1] * 5000, None, 3, "x"])
        elif action == 3:
            entry["dtype"] = random.choice(["F33", "f32", "", None, 5, ["F32"], "F32\0", "💥" * 5000, random.choice(list(TYPES))])
        elif action == 4:
            entry.pop(random.choice(list(entry)), None)
            entry.setdefault("x", 1)
        else:
            entry[random.choice(["more", "dtype ", "data_offsets\n"])] = random.choice(NUMBERS)
        if not all(key in entry for key in ("dtype", "shape", "data_offsets")):
            break
    return file_of(header, data)


def length_edited(random):
    header, data = tensors(random)
    text = json.dumps(header).encode()
    return file_of(text, data, random.choice([0, 1, 7, len(text) - 1, len(text) + 1, len(text) + len(data), len(text) + len(data) + 1, 100_000_000, 100_000_001, 1 << 32, 1 << 63, (1 << 64) - 1, (1 << 64) - 8]))


def text_edited(random):
    header, data = tensors(random)
    text = json.dumps(header)
    entry = '"%s": {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]}'
    text = random.choice([
        lambda: text[:-1] + ", " + text[1:],                                     # every key twice
        lambda: text.replace('"dtype"', '"dtype": "F32", "dtype"', 1),
        lambda: text.replace("{", "[", 1),
        lambda: "[" * random.choice([10, 1000, 200_000]),
        lambda: '{"a": ' * random.choice([10, 1000, 50_000]) + "1",
        lambda: text + " " * random.randrange(5000),
        lambda: text + "\0" * 8,
        lambda: "\ufeff" + text,
        lambda: text.replace('": {', r"\ud800" + '": {', 1),
        lambda: text.replace('": {', r"\u0000\ud83d\ude00\n" + '": {', 1),
        lambda: text.replace(":", "\0:", 1),
        lambda: text.replace("}", ",}", 1),
        lambda: "{" + ",".join(entry % f"t{i}" for i in range(random.choice([1000, 20_000]))) + "}",
        lambda: "{" + entry % ("n" * random.choice([1000, 3_000_000])) + ', "x": 5}',
        lambda: "{" + entry % r"\n\u001b[2J/etc/shadow: gone" + ', "y": 5}',
        lambda: '{"__metadata__": ' + random.choice(["5", '{"a": 5}', "[]", '{"a": null}', '{"a": {}}', "null", '"x"', '{"a": "' + "m" * 100_000 + '"}']) + "}",
        lambda: "{}",
        lambda: "",
        lambda: "{" + "1" * 100_000 + "}",
        lambda: '{"a": ' + "9" * 100_000 + "}",
    ])()
    return file_of(text.encode("utf-8", "surrogatepass"), data)


def whole(random):
    header, data = random.choice([tensors, lora])(random)
    made = file_of(header, data)
    return random.choice([
        lambda: made, lambda: flipped(random, made), lambda: flipped(random, made, 3, 20), lambda: cut(random, made), lambda: patched(random, made),
        lambda: made + b"x", lambda: b"version https://git-lfs.github.com/spec/v1\n", lambda: b"PK\x03\x04" + made, lambda: b"\x80\x02}q\0.", lambda: random.randbytes(random.randrange(3000)),
        lambda: struct.pack("<Q", len(json.dumps(header))) + json.dumps(header).encode("utf-16"),
    ])()


def strange(random):
    """One strange file: what was done to it, and its bytes."""
    made = random.choices([("a field edited", field_edited), ("the length edited", length_edited), ("the text edited", text_edited), ("the whole", whole)], [5, 1, 3, 4])[0]
    return made[0], made[1](random)
