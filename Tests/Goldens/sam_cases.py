"""The photos and prompts of make_sam.py and make_mobile_sam.py."""
import numpy as np
from PIL import Image

# name, width, height
PHOTOS = [("sam-wide", 73, 41), ("sam-tall", 31, 70)]


def case(photo, box=None, points=(), refines=None, multimask=False):
    return dict(photo=photo, box=box, points=list(points), refines=refines, multimask=multimask)


CASES = [
    case(0, box=[10.0, 8.0, 60.5, 40.0]),
    case(0, box=[44.0, 3.0, 71.0, 40.0], multimask=True),
    case(0, points=[[30.0, 20.0, 1], [60.5, 10.25, 0], [5.0, 38.0, 1]], multimask=True),
    case(1, points=[[15.0, 33.0, 1]]),
    case(1, box=[2.0, 5.0, 29.0, 61.0], points=[[20.0, 50.0, 0]]),
    case(1, box=[3.0, 4.0, 30.0, 60.0], refines=3, multimask=True),
]


def photo(index):
    """Soft colours with an object's edge in them, the same everywhere."""
    _, width, height = PHOTOS[index]
    y, x = np.mgrid[0:height, 0:width].astype(float)
    inside = ((x / width - 0.45) ** 2 * (2 + index) + (y / height - 0.5) ** 2 * 3) < 0.3
    channels = [120 + 100 * np.sin(x / (5 + c) + y / (9 - 2 * c) + c) for c in range(3)]
    picture = np.stack([np.where(inside, channel, 255 - channel / (2 + index)) for channel in channels], -1)
    return Image.fromarray(picture.clip(0, 255).astype(np.uint8))
