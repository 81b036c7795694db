"""A place outside of every job's folder that nobody may look into. Needs Python's own library only; Linux."""

import ctypes
import os
import struct

IN_ACCESS, IN_OPEN, IN_Q_OVERFLOW = 0x1, 0x20, 0x4000


class Canary:
    """Files outside, and a watch that hears of every opening.

    Strange folders name and link to `known` files; what is in these, and what others are called, can only come from looking there."""

    def __init__(self, folder, picture):
        self.folder = folder
        self.words = [b"canary-text", b"canary-name"]
        os.makedirs(folder + "/inner")
        for name, data in {
            "known.yaml": b"canary-text: 1\n", "known.jsonl": b'{"id": {"canary-text": "canary-text x", "b": "y"}}\n', "known.jpg": picture, "known.txt": b"canary-text",
            "canary-name.jpg": picture, "inner/known-2.jpg": picture, "inner/canary-name-2.jpg": picture, "inner/metadata.jsonl": b'{"canary-text": 1}\n',
            "inner/class_metadata.jsonl": b'{"canary-text": 1}\n',
        }.items():
            with open(f"{folder}/{name}", "wb") as file:
                file.write(data)
        self.library = ctypes.CDLL(None, use_errno=True)
        self.descriptor = self.library.inotify_init1(os.O_NONBLOCK)
        for place in [folder, folder + "/inner"]:
            if self.descriptor < 0 or self.library.inotify_add_watch(self.descriptor, place.encode(), IN_OPEN | IN_ACCESS) < 0:
                raise OSError(ctypes.get_errno(), "the canary cannot be watched")
        with open(folder + "/known.txt", "rb"):
            pass
        if not self.opened():
            raise OSError("the watch over the canary hears nothing")

    def opened(self):
        """What was opened since the last call."""
        try:
            data = os.read(self.descriptor, 1 << 16)
        except BlockingIOError:
            return []
        found, at = [], 0
        while at < len(data):
            _, mask, _, length = struct.unpack_from("iIII", data, at)
            found.append("too much" if mask & IN_Q_OVERFLOW else data[at + 16:at + 16 + length].rstrip(b"\0").decode(errors="replace") or "the folder itself")
            at += 16 + length
        return found

    def is_in(self, data):
        return any(word in data for word in self.words)
