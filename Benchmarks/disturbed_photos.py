#!/usr/bin/env python3
"""How good the automatic masks of disturbed photos are, and which of the wrong ones are refused or doubted.

Every photo of a job that has masks is disturbed in twelve ways (grey, dark, blurred, turned, tiny on a smooth ground, …), its
mask likewise; `segmix prepare` makes masks of them all, and each is compared with the true one. Needs numpy and Pillow.

    python3 Benchmarks/disturbed_photos.py --segmix .build/release/segmix --config CONFIGURATION JOB_FOLDER
"""
import argparse, json, pathlib, subprocess, tempfile

import numpy
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

SIDE = 640


def disturbed(photo, mask, ground):
    """Pairs of picture and mask by name."""
    box = mask.point(lambda v: 255 * (v > 127)).getbbox()
    same = {
        "original": photo,
        "grey": ImageOps.grayscale(photo).convert("RGB"),
        "dark": ImageEnhance.Brightness(photo).enhance(0.25),
        "over-exposed": ImageEnhance.Brightness(photo).enhance(1.9),
        "blurred": photo.filter(ImageFilter.GaussianBlur(6)),
        "low-contrast": ImageEnhance.Contrast(photo).enhance(0.3),
        "on-white": Image.composite(photo, Image.new("RGB", photo.size, "white"), mask),
        "100-pixels": photo.resize((photo.width * 100 // SIDE, photo.height * 100 // SIDE), Image.LANCZOS).resize(photo.size, Image.BICUBIC),
    }
    yield from ((name, picture, mask) for name, picture in same.items())
    yield "turned", photo.rotate(90, expand=True), mask.rotate(90, expand=True)
    half = ((box[0] + box[2]) // 2, 0, photo.width, photo.height)
    yield "cut-off", photo.crop(half), mask.crop(half)
    for height in (40, 90):
        size = (max(1, (box[2] - box[0]) * height // (box[3] - box[1])), height)
        small, outline = photo.crop(box).resize(size, Image.LANCZOS), mask.crop(box).resize(size)
        picture, truth, place = ground.copy(), Image.new("L", ground.size), (ground.width // 3, ground.height // 2)
        picture.paste(small, place, outline)
        truth.paste(outline, place)
        yield f"{height}-pixels-high", picture, truth


def main():
    words = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    words.add_argument("job", type=pathlib.Path)
    words.add_argument("--segmix", required=True)
    words.add_argument("--config", required=True)
    words = words.parse_args()
    entries = [json.loads(line) for line in (words.job / "metadata.jsonl").read_text().splitlines()]
    head, photos = entries[0], [entry for entry in entries[1:] if "mask_path" in entry]
    with tempfile.TemporaryDirectory() as place:
        folder, output, truths, lines = pathlib.Path(place, "job"), pathlib.Path(place, "out"), {}, [head]
        folder.mkdir()
        for index, entry in enumerate(photos):
            def opened(key, of=entry): return ImageOps.exif_transpose(Image.open(words.job / of[key]))
            photo = opened("file_name").convert("RGB")
            photo.thumbnail((SIDE, SIDE), Image.LANCZOS)
            mask = opened("mask_path").convert("L").resize(photo.size)
            other = photos[(index + 1) % len(photos)]
            ground = opened("file_name", other).convert("RGB").resize(photo.size).filter(ImageFilter.GaussianBlur(60))
            for name, picture, truth in disturbed(photo, mask, ground):
                file = f"{pathlib.Path(entry['file_name']).stem}_{name}.png"
                picture.save(folder / file)
                truths[file] = numpy.array(truth) > 127
                lines.append({"id": entry["id"], "file_name": file, "text": f"A photo of a {head['id'][entry['id']]}"})
        (folder / "metadata.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        (folder / "job.yaml").write_text("with_prior_preservation: false\non_missing_mask: skip\n")
        told = subprocess.run(
            [words.segmix, "prepare", folder, "--config", words.config, "--output", output], text=True, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout
        rows = []
        for line in (output / "masks/masks.jsonl").read_text().splitlines():
            record = json.loads(line)
            file, truth = record["photo"], truths[record["photo"]]
            if "mask" not in record:
                rows.append((file, None, "refused: " + record["rule"]))
                continue
            made = numpy.array(Image.open(output / record["mask"]).convert("L")) > 127
            rows.append((file, (made & truth).sum() / max(1, (made | truth).sum()), "doubted" if f"the mask of {file} may be wrong" in told else ""))
    for file, overlap, said in sorted(rows, key=lambda row: row[1] or 0):
        if overlap is None or overlap < 0.93 or said: print(f"{file:32} {'-' if overlap is None else f'{overlap:.3f}':6} {said}")
    made = [(overlap, said) for _, overlap, said in rows if overlap is not None]
    print(f"{len(rows)} pictures, {len(rows) - len(made)} refused")
    for name, least, most in (("below 0.8", 0, 0.8), ("0.8 to 0.93", 0.8, 0.93), ("above 0.93", 0.93, 1.1)):
        group = [said for overlap, said in made if least <= overlap < most]
        print(f"IoU {name}: {len(group)} masks, {sum(map(bool, group))} doubted")


if __name__ == "__main__":
    main()
