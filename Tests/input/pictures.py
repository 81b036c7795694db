"""Pictures that nobody would send on purpose: JPEG and PNG files with one or more faults. Needs Python's own library only."""

import glob
import os
import struct
import zlib

GOLDENS = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "Goldens", "images")
PNG = b"\x89PNG\r\n\x1a\n"
_sound = {}


def sound(suffix):
    """The sound pictures of a kind, as bytes."""
    if suffix not in _sound:
        _sound[suffix] = []
        for path in sorted(glob.glob(f"{GOLDENS}/*.{suffix}")):
            with open(path, "rb") as file:
                _sound[suffix].append(file.read())
    return _sound[suffix]


# Anything.


def flipped(random, data, most=8, reach=None):
    data = bytearray(data)
    for _ in range(random.randint(1, most)):
        data[random.randrange(min(len(data), reach or len(data)))] ^= 1 << random.randrange(8)
    return bytes(data)


def cut(random, data):
    return data[:random.randrange(len(data))]


def patched(random, data):
    """A stretch is taken out, comes twice, or is something else."""
    start = random.randrange(len(data))
    end = min(len(data), start + random.choice([1, 2, 4, 16, 200]))
    return data[:start] + random.choice([b"", data[start:end] * random.choice([2, 3, 50]), random.randbytes(end - start), bytes([255]) * (end - start)]) + data[end:]


# PNG.


def chunk(kind, data, wrong=False):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data) ^ wrong)


def chunks(png):
    found, at = [], 8
    while at + 12 <= len(png):
        length = struct.unpack(">I", png[at:at + 4])[0]
        found.append((png[at + 4:at + 8], png[at + 8:at + 8 + length]))
        at += length + 12
    return found


def png_of(parts):
    return PNG + b"".join(chunk(kind, data) for kind, data in parts)


def drawn_png(random, extra=()):
    """A sound PNG of any sort; `extra` chunks come before the pixels."""
    kind = random.choice([0, 2, 3, 4, 6])
    depth = random.choice({0: [1, 2, 4, 8, 16], 3: [1, 2, 4, 8]}.get(kind, [8, 16]))
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[kind]
    width, height, interlaced = random.randint(1, 40), random.randint(1, 40), random.random() < 0.4
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)] if interlaced else [(0, 0, 1, 1)]
    rows = b""
    for x, y, dx, dy in passes:
        across, down = -(-(width - x) // dx), -(-(height - y) // dy)
        if across > 0:
            rows += b"".join(bytes([random.randrange(5)]) + random.randbytes((across * channels * depth + 7) // 8) for _ in range(max(0, down)))
    parts = [(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, interlaced))]
    if kind == 3:
        parts.append((b"PLTE", random.randbytes(3 * min(256, 1 << depth))))
    parts += list(extra) + [(b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return parts, width, height


def bomb(megabytes):
    return zlib.compress(b"x" * (megabytes << 20), 9)


def strange_chunk(random):
    word = bytes(random.choices(b"abcXYZ", k=4))
    return random.choice([
        lambda: (b"tEXt", b"Comment\0" + random.randbytes(random.randrange(200))),
        lambda: (b"tEXt", random.randbytes(random.randrange(200))),
        lambda: (b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(b"\nexif\n    40\n" + random.randbytes(30).hex().encode() + random.choice([b"", b"g", b"0"]))),
        lambda: (b"zTXt", b"bomb\0\0" + bomb(random.choice([1, 7, 9, 30]))),
        lambda: (b"zTXt", b"x\0\0" + random.randbytes(40)),
        lambda: (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + b'<tiff:Orientation="%d"/>' % random.randrange(12)),
        lambda: (b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + bomb(8)),
        lambda: (b"iTXt", random.randbytes(random.randrange(60))),
        lambda: (b"eXIf", exif(random)),
        lambda: (b"eXIf", random.randbytes(random.randrange(60))),
        lambda: (b"iCCP", b"icc\0\0" + bomb(5)),
        lambda: (b"iCCP", random.randbytes(random.randrange(300))),
        lambda: (b"tRNS", random.randbytes(random.randrange(300))),
        lambda: (b"PLTE", random.randbytes(random.choice([0, 1, 3, 7, 768, 771]))),
        lambda: (b"sPLT", b"s\0\x08" + random.randbytes(60)),
        lambda: (b"hIST", random.randbytes(random.randrange(520))),
        lambda: (b"gAMA", random.randbytes(4)),
        lambda: (b"cHRM", random.randbytes(random.choice([32, 31]))),
        lambda: (b"sBIT", random.randbytes(random.randrange(5))),
        lambda: (b"bKGD", random.randbytes(random.randrange(7))),
        lambda: (b"pHYs", random.randbytes(9)),
        lambda: (b"tIME", random.randbytes(7)),
        lambda: (b"acTL", struct.pack(">II", random.randrange(1 << 32), 0)),
        lambda: (b"fcTL", random.randbytes(26)),
        lambda: (b"fdAT", random.randbytes(random.randrange(60))),
        lambda: (b"IHDR", random.randbytes(13)),
        lambda: (b"IEND", b""),
        lambda: (b"IDAT", random.choice([b"", random.randbytes(20)])),
        lambda: (word, random.randbytes(random.randrange(60))),
    ])()


def png_chunks_edited(random):
    parts = chunks(random.choice(sound("png"))) if random.random() < 0.5 else drawn_png(random)[0]
    for _ in range(random.randint(1, 3)):
        at = random.randrange(len(parts))
        kind, data = parts[at]
        action = random.randrange(7)
        if action == 0:
            parts.insert(at, strange_chunk(random))
        elif action == 1:
            del parts[at]
        elif action == 2:
            parts.insert(random.randrange(len(parts)), parts[at])
        elif action == 3:
            parts[at] = (kind, flipped(random, data) if data else b"\0")
        elif action == 4:
            parts[at] = (kind, data[:len(data) // 2])
        elif action == 5:
            parts[at:at + 1] = [(kind, data[:1]), (kind, b""), (kind, data[1:])]
        else:
            parts[at] = (kind, data + random.randbytes(random.randrange(1, 30)))
        parts = parts or [(b"IEND", b"")]
    return png_of(parts)


def png_header_edited(random):
    """Any header, with the right checksum: sizes that are declared and not there, depths and kinds that do not exist."""
    parts = chunks(random.choice(sound("png")))
    width, height, depth, kind, packing, filters, interlace = struct.unpack(">IIBBBBB", parts[0][1])
    sizes = [0, 1, width, width + 1, 1000, 13_000, 65_535, 178_956_970, 1 << 30, (1 << 31) - 1, 1 << 31, (1 << 32) - 1]
    if random.random() < 0.7:
        width, height = random.choice(sizes), random.choice(sizes + [height])
    if random.random() < 0.5:
        depth, kind = random.choice([1, 2, 4, 8, 16, 0, 3, 255]), random.choice([0, 2, 3, 4, 6, 1, 5, 255])
    if random.random() < 0.2:
        packing, filters, interlace = (random.choice([0, 1, 255]) for _ in range(3))
    parts[0] = (b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, packing, filters, interlace))
    return png_of(parts)


def png_pixels_edited(random):
    """The packed pixels are of another length, of other filters, or no such stream at all."""
    parts = drawn_png(random)[0]
    at = [kind for kind, _ in parts].index(b"IDAT")
    rows = zlib.decompress(parts[at][1])
    rows = random.choice([rows[:len(rows) // 2], rows + rows, random.randbytes(len(rows)), b"", rows + bytes(100_000)])
    packed = zlib.compress(rows)
    parts[at] = (b"IDAT", random.choice([packed, packed[:-1], packed[:-4] + b"\0\0\0\0", packed + b"x" * 50, rows, b"\x78\x9c" + random.randbytes(50)]))
    return png_of(parts)


def png_wrong_checksum(random):
    parts = chunks(random.choice(sound("png")))
    wrong = random.randrange(len(parts))
    return PNG + b"".join(chunk(kind, data, wrong=i == wrong) for i, (kind, data) in enumerate(parts))


def png_many_texts(random):
    parts = drawn_png(random)[0]
    packed = bomb(random.choice([1, 7]))
    return png_of(parts[:-1] + [(b"zTXt", b"t%d\0\0" % i + packed) for i in range(random.choice([40, 60, 300, 1100]))] + parts[-1:])


# EXIF.


def exif(random, orientation=None, sound=False):
    order = random.choice("<>")
    orientation = random.randrange(12) if orientation is None else orientation
    entries = [struct.pack(order + "HHIHH", 0x0112, 3, 1, orientation, 0)]
    if not sound:
        for _ in range(random.randrange(4)):
            entries.insert(random.randrange(len(entries) + 1), struct.pack(
                order + "HHII", random.choice([0x0112, 0x010F, 0x8769, random.randrange(1 << 16)]), random.choice([0, 1, 2, 3, 4, 5, 7, 12, 13, 16, 255, 65535]),
                random.choice([0, 1, 2, 100, 1 << 16, (1 << 32) - 1]), random.choice([0, 8, 26, 100, 1 << 31, (1 << 32) - 1])))
    count = len(entries) if sound or random.random() < 0.7 else random.choice([0, 255, 65535])
    offset = 8 if sound or random.random() < 0.8 else random.choice([0, 4, 7, 9, 1000, (1 << 32) - 1])
    block = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", offset) + struct.pack(order + "H", count) + b"".join(entries) + bytes(4)
    return block if sound or random.random() < 0.8 else cut(random, block)


# JPEG.


def segments(jpeg):
    """Markers with what belongs to them, up to the first scan's; the last one is the scan with all that follows."""
    found, at = [], 2
    while at + 4 <= len(jpeg):
        marker, length = jpeg[at + 1], struct.unpack(">H", jpeg[at + 2:at + 4])[0]
        if marker == 0xDA:
            return found + [(marker, jpeg[at + 2:])]
        found.append((marker, jpeg[at + 4:at + 2 + length]))
        at += 2 + length
    return found


def jpeg_of(parts):
    return b"\xff\xd8" + b"".join(b"\xff" + bytes([marker]) + (data if marker == 0xDA else struct.pack(">H", min(65535, len(data) + 2)) + data) for marker, data in parts)


def strange_segment(random):
    return random.choice([
        lambda: (0xE1, b"Exif\0\0" + exif(random)),
        lambda: (0xE1, b"http://ns.adobe.com/xap/1.0/\0" + b'<x tiff:Orientation="%d">' % random.randrange(12)),
        lambda: (0xE2, b"ICC_PROFILE\0\1\1" + random.randbytes(200)),
        lambda: (0xEE, b"Adobe\0\x64\0\0\0\0" + bytes([random.randrange(4)])),
        lambda: (0xFE, random.randbytes(random.choice([0, 5, 60_000]))),
        lambda: (0xDD, struct.pack(">H", random.randrange(1 << 16))),
        lambda: (0xDB, bytes([random.choice([0, 1, 0x10, 0x7F])]) + random.randbytes(random.choice([64, 63, 128]))),
        lambda: (0xC4, bytes([random.choice([0, 0x10, 0x11, 0x77])]) + random.randbytes(random.choice([16, 17, 200]))),
        lambda: (0xCC, random.randbytes(4)),
        lambda: (0xDC, random.randbytes(2)),
        lambda: (random.choice([0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC9, 0xCA, 0xCB, 0xCF]), random.randbytes(random.choice([6, 15, 20]))),
        lambda: (random.randrange(0xC0, 0x100), random.randbytes(random.randrange(50))),
    ])()


def jpeg_segments_edited(random):
    parts = segments(random.choice(sound("jpg")))
    for _ in range(random.randint(1, 3)):
        at = random.randrange(len(parts))
        marker, data = parts[at]
        action = random.randrange(6)
        if action == 0:
            parts.insert(at, strange_segment(random))
        elif action == 1:
            del parts[at]
        elif action == 2:
            parts.insert(random.randrange(len(parts)), parts[at])
        elif action == 3:
            parts[at] = (marker, flipped(random, data) if data else b"\0")
        elif action == 4:
            parts[at] = (marker, data[:len(data) // 2])
        else:
            parts[at] = (random.choice([0xC0, 0xC1, 0xC2, 0xC9, 0xCA, 0xDA, 0xC4, 0xDB]), data)
        parts = parts or [(0xD9, b"")]
    return jpeg_of(parts)


def jpeg_frame_edited(random):
    """Sizes that are declared and not there, samplings and numbers of components that do not exist."""
    parts = segments(random.choice(sound("jpg")))
    at = next(i for i, (marker, _) in enumerate(parts) if marker in (0xC0, 0xC1, 0xC2))
    frame = bytearray(parts[at][1])
    sizes = [0, 1, 8, 17, 500, 5000] + ([13_000, 65_535] if random.random() < 0.2 else [])
    if random.random() < 0.6:
        frame[1:5] = struct.pack(">HH", random.choice(sizes), random.choice(sizes))
    if random.random() < 0.3:
        frame[0] = random.choice([0, 1, 8, 12, 16, 255])
    if random.random() < 0.3:
        frame[5] = random.choice([0, 1, 2, 3, 4, 5, 255])
    if random.random() < 0.4:
        frame[random.randrange(6, len(frame))] = random.choice([0, 0x11, 0x14, 0x41, 0x44, 0x21, 0xFF, random.randrange(256)])
    parts[at] = (parts[at][0], bytes(frame))
    return jpeg_of(parts)


def jpeg_many_scans(random):
    parts = segments(random.choice([jpeg for jpeg in sound("jpg") if any(marker == 0xC2 for marker, _ in segments(jpeg))]))
    scan = parts[-1][1]
    end = scan.find(b"\xff\xda", 2)
    first = scan[:end if end > 0 else len(scan) - 2]
    return jpeg_of(parts[:-1] + [(0xDA, first)] * random.choice([2, 100, 600]) + parts[-1:])


def neither(random):
    return random.choice([
        b"", b"\xff", b"\xff\xd8\xff", PNG, b"GIF89a" + random.randbytes(50), b"RIFF\0\0\0\0WEBPVP8 ", b"\0\0\0\x18ftypheic", b"%PDF-1.4", b"<svg/>",
        b"BM" + random.randbytes(60), b"II*\0" + random.randbytes(40), random.randbytes(random.randrange(1, 2000)), b"\xff" * 5000, b"\xff\xd8\xff" + b"\xff\xd0" * 3000,
        b"\xff\xd8\xff" + b"\xd9", random.choice(sound("jpg")) + random.choice(sound("png")), random.choice(sound("png")) + random.choice(sound("jpg")),
    ])


def strange(random):
    """One strange picture: what was done to it, its suffix, its bytes."""
    made = random.choices([
        ("bits flipped", "", lambda data: flipped(random, data)), ("bits of the beginning flipped", "", lambda data: flipped(random, data, 4, 100)),
        ("cut short", "", lambda data: cut(random, data)), ("patched", "", lambda data: patched(random, data)),
        ("chunks edited", "png", png_chunks_edited), ("header edited", "png", png_header_edited), ("pixels edited", "png", png_pixels_edited),
        ("wrong checksum", "png", png_wrong_checksum), ("many texts", "png", png_many_texts), ("drawn", "png", lambda random: png_of(drawn_png(random, [strange_chunk(random)])[0])),
        ("segments edited", "jpg", jpeg_segments_edited), ("frame edited", "jpg", jpeg_frame_edited), ("many scans", "jpg", jpeg_many_scans),
        ("neither", "jpg", neither)], [20, 8, 8, 12, 20, 10, 8, 2, 0.3, 6, 20, 12, 1, 2])[0]
    name, suffix, make = made
    if suffix:
        return f"{suffix}, {name}", suffix, make(random)
    suffix = random.choice(["jpg", "png"])
    return f"{suffix}, {name}", suffix, make(random.choice(sound(suffix)))


def oriented(random):
    """A sound picture that must be turned: suffix, bytes, width and height of what is seen."""
    orientation = random.randint(1, 8)
    block = exif(random, orientation, sound=True)
    if random.random() < 0.5:
        parts, width, height = drawn_png(random, [(b"eXIf", block)])
        suffix, data = "png", png_of(parts)
    else:
        parts = [part for part in segments(random.choice(sound("jpg"))) if part[0] != 0xE1]
        frame = next(data for marker, data in parts if marker in (0xC0, 0xC1, 0xC2))
        height, width = struct.unpack(">HH", frame[1:5])
        suffix, data = "jpg", jpeg_of([(0xE1, b"Exif\0\0" + block)] + parts)
    return suffix, data, *((height, width) if orientation >= 5 else (width, height))
