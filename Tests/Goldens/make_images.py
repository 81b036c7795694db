#!/usr/bin/env python3
"""Writes Tests/Goldens/images: small pictures of every sort that is read, and what Pillow makes of them.

    python make_images.py            (Pillow 13, numpy, torch; libturbojpeg for the rarer JPEG samplings)

images/index.json has for each case where its expected bytes lie in images/expected.bin ("photo", "mask",
"resized", …: [offset, width, height]); images/expected.bin holds them packed.
"""
import ctypes
import io
import json
import os
import struct
import zlib

import numpy as np
import torch
from PIL import Image, ImageOps

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "images")
os.makedirs(HERE, exist_ok=True)
for old in os.listdir(HERE):
    os.remove(os.path.join(HERE, old))
rng = np.random.default_rng(7)
blob = bytearray()
index = {"files": [], "resizes": [], "collages": [], "loss_masks": []}


def keep(array):
    """[offset, width, height] of uint8 [h, w(, 3)] or float32 [h, w] in expected.bin."""
    offset = len(blob)
    blob.extend(np.ascontiguousarray(array).tobytes())
    return [offset, int(array.shape[1]), int(array.shape[0])]


def upright_photo(path):
    image = ImageOps.exif_transpose(Image.open(path))
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, (255, 255, 255, 255)), image)
    if image.mode.startswith("I;16"):  # Pillow cuts it off at 255, which leaves nothing of a photo
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    return image.convert("RGB")


def upright_mask(path):
    return ImageOps.exif_transpose(Image.open(path)).convert("L")


def file(name, data):
    path = os.path.join(HERE, name)
    with open(path, "wb") as f:
        f.write(data)
    index["files"].append({"file": name, "photo": keep(np.asarray(upright_photo(path))),
                           "mask": keep(np.asarray(upright_mask(path)))})


def picture(w, h, channels=3):
    """Smooth colours with edges and some noise."""
    y, x = np.mgrid[0:h, 0:w]
    planes = [127 + 90 * np.sin(x / (3 + c) + y / 7) + 40 * ((x // 6 + y // 5 + c) % 2) + rng.normal(0, 12, (h, w)) for c in range(channels)]
    return np.clip(np.stack(planes, -1), 0, 255).astype(np.uint8)


def save(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


# ------------------------------------------------------------------------------------------------ JPEG
rgb = Image.fromarray(picture(37, 29))
for name, sampling in (("444", 0), ("422", 1), ("420", 2)):
    file(f"sampling-{name}.jpg", save(rgb, "JPEG", quality=85, subsampling=sampling))
file("progressive.jpg", save(rgb, "JPEG", quality=60, progressive=True))
file("restart.jpg", save(rgb, "JPEG", quality=90, restart_marker_blocks=2))
file("rgb.jpg", save(rgb, "JPEG", quality=80, keep_rgb=True))
file("gray.jpg", save(rgb.convert("L"), "JPEG", quality=75))
file("cmyk.jpg", save(Image.fromarray(picture(21, 18, 4), "CMYK"), "JPEG", quality=90))
file("one-pixel.jpg", save(rgb.crop((0, 0, 1, 1)), "JPEG"))


def turbo(pixels, pixel_format, sampling):
    """Samplings and colour spaces Pillow does not write."""
    lib = ctypes.CDLL("libturbojpeg.so.0")
    lib.tjInitCompress.restype = ctypes.c_void_p
    out, size = ctypes.c_void_p(), ctypes.c_ulong()
    h, w = pixels.shape[:2]
    data = np.ascontiguousarray(pixels).tobytes()
    status = lib.tjCompress2(ctypes.c_void_p(lib.tjInitCompress()), data, w, 0, h, pixel_format,
                             ctypes.byref(out), ctypes.byref(size), sampling, 85, 0)
    assert status == 0
    return ctypes.string_at(out, size.value)


file("sampling-440.jpg", turbo(np.asarray(rgb), 0, 4))
file("sampling-411.jpg", turbo(np.asarray(rgb), 0, 5))
file("ycck-420.jpg", turbo(picture(22, 19, 4), 11, 2))


def tiff(value, order="<", kind=3, count=1, more=()):
    """An EXIF block whose first directory has the orientation `value` between other tags."""
    fields = [(0x010F, 2, 4, b"ab\0\0"), (0x0112, kind, count, struct.pack(order + ("HH" if kind == 3 else "L"), *([value, 0] if kind == 3 else [value]))), *more]
    body = struct.pack(order + "H", len(fields)) + b"".join(struct.pack(order + "HHL", *f[:3]) + f[3] for f in fields)
    return (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "L", 8) + body + b"\0\0\0\0"


small = Image.fromarray(picture(13, 9))
plain_jpeg = save(small, "JPEG", quality=92, subsampling=0)


def with_app1(payload, data=plain_jpeg):
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(payload) + 2) + payload + data[2:]


def exif(block):
    return with_app1(b"Exif\0\0" + block)


for o in range(1, 9):
    file(f"orientation-{o}.jpg", exif(tiff(o, "<" if o % 2 else ">")))
file("orientation-9.jpg", exif(tiff(9)))
file("orientation-0.jpg", exif(tiff(0)))
file("orientation-long.jpg", exif(tiff(6, ">", 4)))
file("orientation-two.jpg", exif(tiff(6, ">", 3, 2)))
file("exif-entries-missing.jpg", exif(tiff(6)[:18]))
file("exif-after-tag-cut.jpg", exif(tiff(8)[:34]))
file("exif-offset-wild.jpg", exif(b"II*\0\xff\xff\xff\x7f" + tiff(6)[8:]))
file("exif-first-wins.jpg", exif(tiff(6, more=[(0x0112, 3, 1, b"\3\0\0\0")])))
file("xmp.jpg", with_app1(b'http://ns.adobe.com/xap/1.0/\0<x tiff:Orientation="8"/>'))
file("xmp-and-exif.jpg", with_app1(b'http://ns.adobe.com/xap/1.0/\0<x tiff:Orientation="8"/>', exif(tiff(1))))


# ------------------------------------------------------------------------------------------------- PNG
def chunk(kind, data):
    return struct.pack(">L", len(data)) + kind + data + struct.pack(">L", zlib.crc32(kind + data))


def png(samples, depth, color, before=(), after=(), interlaced=False):
    """samples: [h, w, channels] of ints below 2**depth."""
    h, w, channels = samples.shape

    def packed(part):
        if part.size == 0:
            return b""
        rows = b""
        for row in part:
            if depth == 16:
                line = row.astype(">u2").tobytes()
            elif depth == 8:
                line = row.astype(np.uint8).tobytes()
            else:
                bits = "".join(format(int(v), f"0{depth}b") for v in row.ravel())
                bits += "0" * (-len(bits) % 8)
                line = bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8))
            rows += b"\0" + line
        return rows

    if interlaced:
        passes = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
        data = b"".join(packed(samples[y::dy, x::dx]) for x, y, dx, dy in passes)
    else:
        data = packed(samples)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">LLBBBBB", w, h, depth, color, 0, 0, int(interlaced)))
            + b"".join(chunk(*c) for c in before) + chunk(b"IDAT", zlib.compress(data)) + b"".join(chunk(*c) for c in after) + chunk(b"IEND", b""))


def samples(depth, channels, w=19, h=11):
    return rng.integers(0, 2 ** depth, (h, w, channels))


gamma = [(b"gAMA", struct.pack(">L", 100000))]
for depth in (1, 2, 4, 8, 16):
    file(f"gray-{depth}.png", png(samples(depth, 1), depth, 0))
    file(f"gray-{depth}-key.png", png(samples(depth, 1) % 4, depth, 0, [(b"tRNS", struct.pack(">H", 1))]))
file("gray-16-dark.png", png(samples(16, 1) % 300, 16, 0))
for depth in (8, 16):
    file(f"rgb-{depth}.png", png(samples(depth, 3), depth, 2, gamma))
    keyed = samples(depth, 3)
    keyed[::2, ::3] = (3, 700 % 2 ** depth, 200)
    file(f"rgb-{depth}-key.png", png(keyed, depth, 2, [(b"tRNS", struct.pack(">HHH", 3, 700 % 2 ** depth, 200))]))
    file(f"gray-alpha-{depth}.png", png(samples(depth, 2), depth, 4))
    file(f"rgba-{depth}.png", png(samples(depth, 4), depth, 6, gamma))
every = np.stack(np.meshgrid(np.arange(256), np.arange(0, 256, 15)), -1)
file("gray-alpha-all.png", png(every, 8, 4))
file("rgba-interlaced.png", png(samples(8, 4), 8, 6, interlaced=True))
file("gray-1-interlaced.png", png(samples(1, 1), 1, 0, interlaced=True))
file("srgb.png", png(samples(8, 3), 8, 2, [(b"sRGB", b"\1"), (b"gAMA", struct.pack(">L", 45455))]))
palette = rng.integers(0, 256, 256 * 3).astype(np.uint8).tobytes()
for depth in (1, 2, 4, 8):
    n = 2 ** depth
    file(f"palette-{depth}.png", png(samples(depth, 1), depth, 3, [(b"PLTE", palette[:3 * n])]))
file("palette-alpha.png", png(samples(8, 1), 8, 3, [(b"PLTE", palette), (b"tRNS", bytes(range(0, 200)))]))
file("palette-one-clear.png", png(samples(4, 1), 4, 3, [(b"PLTE", palette[:48]), (b"tRNS", b"\xff\xff\0\xff")]))
file("palette-short.png", png(samples(4, 1), 4, 3, [(b"PLTE", palette[:27])]))
file("exif-before.png", png(samples(8, 3), 8, 2, [(b"eXIf", tiff(6, ">"))]))
file("exif-after.png", png(samples(8, 1), 8, 0, after=[(b"eXIf", tiff(5))]))
raw = b"Exif\0\0" + tiff(8)
file("raw-profile.png", png(samples(8, 3), 8, 2, [(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(b"\nexif\n%8d\n" % len(raw) + raw.hex().encode() + b"\n"))]))
file("xmp.png", png(samples(8, 3), 8, 2, [(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0<tiff:Orientation>3</tiff:Orientation>")]))

# --------------------------------------------------------------------------------------------- resizing
FILTERS = {"bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC, "lanczos": Image.LANCZOS}
for mode, channels in (("RGB", 3), ("L", 1)):
    for (w, h), sizes in (((61, 47), ((20, 15), (61, 9), (10, 47), (70, 51), (1, 1), (62, 46))), ((403, 5), ((9, 5), (31, 12))), ((1, 1), ((5, 4),)), ((6, 210), ((3, 13),))):
        # Extremes overshoot, which tests the clipping.
        source = np.where(rng.random((h, w, channels)) < 0.3, rng.integers(0, 2, (h, w, channels)) * 255, picture(w, h, channels))
        source = source.astype(np.uint8) if channels == 3 else source.astype(np.uint8)[..., 0]
        image, place = Image.fromarray(source), keep(source)
        for size in sizes:
            for name, kind in FILTERS.items():
                index["resizes"].append({"channels": channels, "source": place, "filter": name, "resized": keep(np.asarray(image.resize(size, kind)))})

# ------------------------------------------------------------------------------------------ composites


def subject(name, w, h, orientation):
    """A photo (JPEG, turned by EXIF) and its mask (PNG, upright) with soft edges."""
    y, x = np.mgrid[0:h, 0:w]
    inside = 1.2 - ((x - w * 0.55) / (w * 0.3)) ** 2 - ((y - h * 0.45) / (h * 0.35)) ** 2 + 0.2 * np.sin(x / 5)
    mask = np.clip(128 + 300 * inside, 0, 255).astype(np.uint8)
    upright = Image.fromarray(picture(w, h))
    stored = {1: upright, 6: upright.transpose(Image.ROTATE_90), 3: upright.transpose(Image.ROTATE_180)}[orientation]
    with open(os.path.join(HERE, f"{name}.jpg"), "wb") as f:
        f.write(with_app1(b"Exif\0\0" + tiff(orientation), save(stored, "JPEG", quality=90)))
    Image.fromarray(mask).save(os.path.join(HERE, f"mask_{name}.png"))


subject("a00", 150, 110, 6)
subject("b00", 90, 140, 3)
subject("b01", 60, 50, 1)


def box(mask):
    m = np.asarray(mask) > 128
    ys, xs = np.flatnonzero(m.any(1)), np.flatnonzero(m.any(0))
    return [int(xs[0]), int(ys[0]), int(xs[-1]), int(ys[-1])]


def collage(r, drawn, second, chances, xs, ys, left, top):
    names, parts = (drawn, second), []
    photos = [upright_photo(os.path.join(HERE, f"{n}.jpg")) for n in names]
    masks = [upright_mask(os.path.join(HERE, f"mask_{n}.png")) for n in names]
    for n, mask, chance, x, y in zip(names, masks, chances, xs, ys):
        b = box(mask)
        bw, bh = b[2] - b[0], b[3] - b[1]
        factor = chance * min((r // 2 - r // 32) / bw, (r - r // 32) / bh)
        parts.append({"subject": n[0], "file": f"{n}.jpg", "mask": f"mask_{n}.png", "box": b, "factor": factor,
                      "size": [int(bw * factor), int(bh * factor)], "x": x, "y": y})
    canvas, union = np.full((r, r, 3), 255, np.uint8), np.zeros((r, r), np.uint8)
    for i in (1 - top, top):
        p = parts[i]
        w, h = p["size"]
        colors = np.asarray(photos[i].crop(p["box"]).resize((w, h), Image.BICUBIC))
        inside = np.asarray(masks[i].crop(p["box"]).resize((w, h), Image.BICUBIC)) > 122
        canvas[p["y"]:p["y"] + h, p["x"]:p["x"] + w][inside] = colors[inside]
        union[p["y"]:p["y"] + h, p["x"]:p["x"] + w] |= inside.astype(np.uint8)
    index["collages"].append({"side": r, "plan": {"subjects": parts, "left": left, "top": top}, "picture": keep(canvas), "union": keep(union)})
    return union


unions = [collage(64, "a00", "b00", (0.91, 0.77), (9, 25), (20, 6), 0, 1),
          collage(64, "b00", "a00", (1.0, 0.83), (28, 3), (1, 30), 1, 0),
          collage(96, "b01", "a00", (0.75, 0.99), (40, 20), (11, 17), 1, 1),
          collage(80, "b01", "b00", (0.95, 0.88), (2, 36), (40, 3), 0, 0)]
for i, side, alpha in ((0, 8, 0.0), (1, 16, 0.25), (2, 20, 0.7), (3, 10, 1.0)):
    m = torch.from_numpy(unions[i].astype(np.float32))[None, None]
    w = torch.nn.functional.interpolate(m, size=(side, side), mode="bilinear")[0, 0] * (1 - alpha) + alpha
    index["loss_masks"].append({"collage": i, "alpha": alpha, "weights": keep(w.numpy())})

# ------------------------------------------------------------ EXIF where it should not be, last so that all above stay as they are
file("exif-prefixed.png", png(samples(8, 3), 8, 2, [(b"eXIf", b"Exif\0\0" + tiff(6))]))
file("exif-twice.png", png(samples(8, 3), 8, 2, [(b"eXIf", tiff(8)), (b"eXIf", tiff(3))]))
late = exif(tiff(6))[2:][:4 + len(b"Exif\0\0") + len(tiff(6))]
file("exif-late.jpg", plain_jpeg[:-2] + late + plain_jpeg[-2:])

with open(os.path.join(HERE, "expected.bin"), "wb") as f:
    f.write(blob)
with open(os.path.join(HERE, "index.json"), "w") as f:
    json.dump(index, f, indent=None, separators=(",", ":"))
print(len(index["files"]), "files,", len(blob), "expected bytes")
