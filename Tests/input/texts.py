"""Specifications, configurations and lists of photos that nobody would write on purpose. Needs Python's own library only."""

import json

from pictures import cut, flipped, patched

SPECIFICATION = """\
# As somebody would write it.
resolution: 64
max_train_steps: 2
gradient_accumulation_steps: 1
learning_rate: 1e-3
rank: 4
seed: 7
with_prior_preservation: false
segmix_prob: 0.5
relative_scale: 0.5
lr_scheduler: cosine
validation_prompt: a photo of a olis toy and a hta corgi
classes:
  a: toy robot
  b: dog
render:
  prompts:
    - "a toy robot: and a dog"
    - 'it''s a dog'
  seeds: [1, 2]
  steps: 2
"""
CONFIGURATION = """\
inbox: in
outbox: out
state: state
settle_seconds: 0.5
rescan_seconds: 5 min
hours: 22:00-06:00
workers: 2
memory: 10 GiB
min_free_space: 1 MiB
status_page: 127.0.0.1:7474
models:
  sdxl: {base: /srv/models/sdxl}
  other:
    base: models/other
    vae: models/vae
default_job:
  rank: 8
"""
PHOTOS = [
    {"id": {"a": "olis toy", "b": "hta corgi"}},
    {"id": "a", "file_name": "a00.jpg", "mask_path": "mask_a00.png", "text": "A photo of a olis toy."},
    {"id": "b", "file_name": "b00.jpg", "mask_path": "mask_b00.png", "text": ["one", "zwei ü 🐕"]},
]
VALUES = [
    "", "~", "null", "-1", "0", "1", "2.5", "1e-4", "1e999", "-.inf", ".nan", "0x7fffffffffffffff", "0o777", "0b1", "9223372036854775807", "9223372036854775808",
    "9" * 5000, "1_000", "1:30", "2001-01-01", "yes", "No", "true", '""', '"\\0"', '"\\ud800"', "'a'", "[]", "{}", "[1, 2]", "{a: 1}", "[[[[1]]]]", "- 1", "|\n  text\n", ">-\n  text\n",
    "&a x", "*a", "!!binary aGk=", "!!python/object/apply:os.system [id]", "!x y", "? a", "@x", "`x`", "%x", "\t1", "../x", "/etc/passwd", "💥", "\u202egpj", "a\u2028b", "x" * 100_000,
]


def alias_bomb(random):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, random.choice([3, 9, 30]))]
    return "\n".join(lines)


def deep(random):
    depth = random.choice([20, 31, 32, 33, 100, 5000, 200_000])
    return random.choice([
        lambda: "render: " + "[" * depth, lambda: "render: " + "[" * depth + "]" * depth, lambda: "a: " + "{a: " * depth, lambda: "- " * depth + "x",
        lambda: "\n".join(" " * i + "a:" for i in range(min(depth, 1000))), lambda: "? " * depth, lambda: "[{" * depth, lambda: "a:\n" + "  - - " * depth, lambda: "!!a " * depth,
        lambda: "&a " * depth, lambda: "---\n" * depth, lambda: '"' + "\\" * depth])()


def soup(random, words, most):
    return "".join(random.choices(words, k=random.randint(1, most)))


YAML_WORDS = ["a", "rank", ": ", ":", "- ", "\n", "\n  ", "\n    ", "[", "]", "{", "}", ", ", "# ", "&x ", "*x", "!t ", "|", ">", "'", '"', "? ", "---", "...", "%YAML 1.1", "\t", "\0", "\ufeff", "1", "~", "<<", "é", "\r", "\x85", "💥"]


def yaml_line_edited(random, text):
    lines = text.split("\n")
    for _ in range(random.randint(1, 3)):
        at = random.randrange(len(lines))
        action = random.randrange(6)
        if action == 0 and ":" in lines[at]:
            lines[at] = lines[at].split(":")[0] + ": " + random.choice(VALUES)
        elif action == 1:
            lines.insert(at, random.choice(lines))
        elif action == 2:
            lines[at] = lines[at].replace(" ", "\t")
        elif action == 3:
            lines[at] = random.choice(VALUES) + ": " + random.choice(VALUES)
        elif action == 4:
            lines[at] = " " * random.randrange(9) + lines[at]
        else:
            lines[at] += random.choice(YAML_WORDS)
    return "\n".join(lines)


def encoded(random, text):
    """The text in some encoding, with some line ends."""
    if random.random() < 0.15:
        text = text.replace("\n", random.choice(["\r\n", "\r", "\x85", "\u2028", "\n\n"]))
    if random.random() < 0.85:
        return text.encode("utf-8", "surrogatepass")
    return random.choice([
        lambda: b"\xef\xbb\xbf" + text.encode("utf-8", "surrogatepass"), lambda: text.encode("utf-16", "surrogatepass"), lambda: text.encode("utf-16-be", "surrogatepass"),
        lambda: text.encode("utf-32", "surrogatepass"), lambda: text.encode("latin-1", "replace"), lambda: text.encode("cp500", "replace"),
        lambda: text.encode("utf-8", "surrogatepass") + b"\xe4", lambda: b"\xef\xbb\xbf" * 2 + text.encode("utf-8", "surrogatepass")])()


def strange_yaml(random, text):
    """What was done to it, and its bytes."""
    name, make = random.choices([
        ("a line edited", lambda: encoded(random, yaml_line_edited(random, text))), ("aliases", lambda: encoded(random, alias_bomb(random))), ("deep", lambda: encoded(random, deep(random))),
        ("soup", lambda: encoded(random, soup(random, YAML_WORDS, 60))), ("bits flipped", lambda: flipped(random, text.encode())), ("cut short", lambda: cut(random, text.encode())),
        ("patched", lambda: patched(random, text.encode())), ("encoded", lambda: encoded(random, text)), ("random bytes", lambda: random.randbytes(random.randrange(2000))),
        ("many keys", lambda: "\n".join(f"k{i}: {i}" for i in range(random.choice([100, 20_000, 60_000]))).encode()),
        # It may be in order: then it should be over soon.
        ("many values", lambda: b"max_train_steps: 1\nresolution: 64\nwith_prior_preservation: false\nrender: {seeds: [" + b"1," * random.choice([1000, 90_000, 300_000]) + b"1]}"),
        ("a long line", lambda: random.choice([b"validation_prompt: ", b"", b"# ", b'a: "']) + b"x" * random.choice([1000, 1_000_000, 1_048_577])),
    ], [30, 2, 4, 12, 12, 4, 8, 4, 2, 0.5, 0.5, 1])[0]
    return name, make()


NAMES = ["a00.jpg", "A00.JPG", "a00.jpeg", "./a00.jpg", "a//../a00.jpg", "../a00.jpg", "/etc/passwd", "..", ".", "", "/", "a00.jpg/", "a00.jpg/x", "~/x", "~root/.ssh/id_rsa", "a\\b.jpg", "C:\\a.jpg",
         "\0", "a00.jpg\0.png", "a\nb.jpg", "\u001b[2J.jpg", "💥" * 63, "x" * 255, "x" * 256, "x/" * 3000, "prior/../../x", "....//x", "%2e%2e/x", "metadata.jsonl", "job.yaml", ".", "a00.jpg ", " a00.jpg",
         "\u202egpj.00a", "file:///etc/passwd", "\\\\server\\share", "con", "mask_a00.png"]
JSON_VALUES = [None, True, 0, -1, 1.5, 10 ** 400, "", "a", "b", "zzz", [], {}, [1], ["", "x"], [[]], {"a": {}}, {"a": "x", "A": "y"}, "x" * 100_000, "\0", "\ud800"]
JSON_WORDS = ['"id"', '"a"', '"file_name"', '"a00.jpg"', "{", "}", "[", "]", ":", ",", "1", "-", "1e5", "1e999", "\\u", "\\ud83d", '"', "\\", "\n", "null", "true", "//", "/*", "'", "NaN", "Infinity", "\0", "\ufeff", "ü", "0x1", "01", ".5", "\t"]


def photos_edited(random):
    lines = json.loads(json.dumps(PHOTOS))
    for _ in range(random.randint(1, 3)):
        line = random.choice(lines)
        key = random.choice(list(line) + ["mask", "file", "Text", "", "x"])
        line[key] = random.choice(NAMES) if random.random() < 0.5 else random.choice(JSON_VALUES)
    if random.random() < 0.2:
        random.shuffle(lines)
    if random.random() < 0.1:
        lines *= random.choice([2, 50])
    ascii = random.random() < 0.5
    return "\n".join(json.dumps(line, ensure_ascii=ascii) for line in lines)


def json_raw(random):
    text = "\n".join(json.dumps(line) for line in PHOTOS)
    depth = random.choice([60, 64, 65, 1000, 100_000])
    return random.choice([
        lambda: text + '\n{"id": "a", "x": ' + "[" * depth + "]" * depth + "}", lambda: text + "\n" + "[" * depth, lambda: '{"a":' * depth, lambda: text + '\n{"x": ' + "9" * depth + "}",
        lambda: text + '\n{"x": 1' + random.choice(["e999", "e-999", "E+5", ".", ".0e", "e"]) + "}", lambda: text.replace("olis", r"\ud83d\ude00 \ud800"), lambda: text.replace("olis", r"\u0000"),
        lambda: text.replace("olis", "\0"), lambda: text.replace("a00", "a\\n00"), lambda: text.replace('"text"', '"text": 1, "text"'), lambda: text.replace("\n", " "), lambda: text.replace("}\n", "},\n"),
        lambda: "[" + text.replace("\n", ",") + "]", lambda: text + "\n" + " " * 100_000, lambda: text + "\n" * 100_000, lambda: "\n" * 100_000, lambda: text + '\n{"id": "' + "x" * 1_100_000 + '"}',
        lambda: json.dumps({"id": {f"k{i}": "p" for i in range(random.choice([999, 1001, 30_000]))}}), lambda: text + "".join(f'\n{{"id": "a", "file_name": "m{i}.jpg"}}' for i in range(random.choice([100, 20_000]))),
        lambda: soup(random, JSON_WORDS, 40), lambda: text + "\n" + soup(random, JSON_WORDS, 30)])()


def strange_photos(random):
    """What was done to a list of photos, and its bytes."""
    text = "\n".join(json.dumps(line) for line in PHOTOS)
    name, make = random.choices([
        ("photos edited", lambda: encoded(random, photos_edited(random))), ("JSON edited", lambda: encoded(random, json_raw(random))), ("bits flipped", lambda: flipped(random, text.encode())),
        ("cut short", lambda: cut(random, text.encode())), ("patched", lambda: patched(random, text.encode())),
        ("mixed encodings", lambda: b"\n".join(line.encode(random.choice(["utf-8", "latin-1", "utf-16"]), "replace") for line in json.dumps(PHOTOS[0]).replace("toy", "spielzeüg").split() + text.split("\n"))),
        ("random bytes", lambda: random.randbytes(random.randrange(2000))),
    ], [30, 12, 12, 3, 8, 3, 1])[0]
    return name, make()
