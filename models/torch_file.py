"""Reads the tensors of a PyTorch checkpoint (a zip file with a pickle) without PyTorch and without running what is in it.

The pickle may only name tensors, their memory and ordered dictionaries; anything else is refused. The standard library
only.
"""
import collections
import pickle
import sys
import zipfile

Tensor = collections.namedtuple("Tensor", "shape type data")   # type: "f" float32 or "q" int64; data: little-endian bytes

SIZES = {"FloatStorage": ("f", 4), "LongStorage": ("q", 8)}


def rebuild(storage, offset, shape, stride, *rest):
    kind, size, data = storage
    expected, count = [], 1
    for side in reversed(shape):
        expected.insert(0, count)
        count *= side
    if any(a != b for a, b, side in zip(stride, expected, shape) if side > 1):
        raise SystemExit("a tensor is not stored row by row; save the checkpoint again with contiguous tensors")
    if (offset + count) * size > len(data):
        raise SystemExit("a tensor reaches beyond its memory; fetch the checkpoint again")
    return Tensor(tuple(shape), kind, data[offset * size:(offset + count) * size])


class Reader(pickle.Unpickler):
    def __init__(self, archive, folder):
        super().__init__(archive.open(folder + "data.pkl"))
        self.archive, self.folder, self.storages = archive, folder, {}

    def find_class(self, module, name):
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return rebuild
        if module == "torch" and name in SIZES:
            return name
        raise SystemExit(f"the checkpoint wants to run {module}.{name}, which is not part of a list of tensors")

    def persistent_load(self, name):
        kind, storage, key = name[0], name[1], name[2]
        if kind != "storage" or storage not in SIZES:
            raise SystemExit(f"the checkpoint refers to {kind} {storage}, which is not the memory of a tensor")
        if key not in self.storages:
            letter, size = SIZES[storage]
            self.storages[key] = (letter, size, self.archive.read(f"{self.folder}data/{key}"))
        return self.storages[key]


def read(path):
    """Name -> Tensor, of a saved state dictionary."""
    if sys.byteorder != "little":
        raise SystemExit("this machine's byte order is not that of checkpoints")
    if not zipfile.is_zipfile(path):
        raise SystemExit(f"{path}: it is not a PyTorch checkpoint (a zip file); fetch it again")
    with zipfile.ZipFile(path) as archive:
        pickles = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        if len(pickles) != 1:
            raise SystemExit(f"{path}: it is not a PyTorch checkpoint; fetch it again")
        tensors = Reader(archive, pickles[0][:-len("data.pkl")]).load()
    if not isinstance(tensors, dict) or not all(isinstance(t, Tensor) for t in tensors.values()):
        raise SystemExit(f"{path}: it holds other things than tensors; a state dictionary is wanted")
    return dict(tensors)
