#!/usr/bin/env python3
"""Puts inbox, outbox and state directory of a real daemon on shares: poorer than a disk, and wrong now and then.

    shares.py PROGRAMS [--cases NAME,…] [--moments 10] [--keep DIR]

PROGRAMS is the folder of segmix and segmixd. Each job must end, when the share is in order again and at the second drain at the latest,
with the LoRA of a run that nobody disturbed, every photo byte for byte in the place where it was promised, and nothing hidden left in
inbox and outbox. The share is `sharefs.py`, a file system in this folder. Needs root, /dev/fuse and fusepy (Debian: python3-fusepy), and is
skipped without, with a sentence. Exit status: 0 all that ran is well, 1 something is not.
"""

import glob
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import time
import unicodedata

from campaign import CASES, Campaign, Place, Skipped, Wrong, case, needs_mounts, parser_of, with_mounts_of_its_own
from tiny import text_of, workers_of

CONFIGURATION = """\
inbox: {inbox}
outbox: {outbox}
state: {state}
settle_seconds: 0.1
rescan_seconds: 0.3
min_free_space: 0
max_attempts: 3
status_page: none
models:
  tiny: {{base: {model}}}
"""
STEPS = 4
# Where a result begins to leave the state directory.
PUBLISHING = ["rename", r"state/.*job\.log"]
# What is said where something has gone wrong and is not over.
TROUBLE = r"Tried again in|is tried again|cannot be (taken|looked at|read)|on its way out of|is not in the queue yet"


def rule(op, match, errno=None, **more):
    return {"op": op, "match": match, "errno": errno, **more}


def plain(name):
    return unicodedata.normalize("NFC", name)


def contents(folder):
    """The bytes of everything in a folder, by path."""
    found = {}
    for place, _, files in os.walk(folder):
        for name in files:
            with open(os.path.join(place, name), "rb") as file:
                found[os.path.relpath(os.path.join(place, name), folder)] = file.read()
    return found


class Share(Place):
    """A configuration some of whose directories are on a share. `real` is where they lie, for what others do there."""

    def __init__(self, campaign, name, shared, semantics, direct=False):
        super().__init__(campaign, name)
        self.shared = shared
        # What a folder of the inbox held, by its name.
        self.dropped, self.failing = {}, {}
        for part in ("real", "share", "local"):
            os.makedirs(self.path(part))
        for part in ("inbox", "outbox", "state"):
            os.makedirs(self.real(part))
        self.inbox, self.outbox, self.state = (self.path("share" if part in shared else "local", part) for part in ("inbox", "outbox", "state"))
        with open(self.path("segmixd.yaml"), "w") as file:
            file.write(CONFIGURATION.format(inbox=self.inbox, outbox=self.outbox, state=self.state, model=self.jobs.model))
        self.seen = 0
        self.set(semantics)
        self.server = subprocess.Popen(
            [campaign.options.python, os.path.join(os.path.dirname(os.path.realpath(__file__)), "sharefs.py"), self.path("real"), self.path("share"), self.path("semantics"),
             *(["--direct"] if direct else [])])
        try:
            self.until("the share", lambda: os.path.ismount(self.path("share")), patience=15)
        except Wrong:
            self.__exit__()
            raise

    def __enter__(self):
        return self

    def __exit__(self, kind=None, error=None, trace=None):
        self.end()
        subprocess.run(["umount", "-l", self.path("share")], stderr=subprocess.DEVNULL)
        try:
            self.server.wait(5)
        except subprocess.TimeoutExpired:
            self.server.kill()
            self.server.wait()
        if errors := text_of(self.path("semantics.errors")):
            raise Wrong(f"the file system itself is at fault:\n{errors}")
        if isinstance(error, Wrong):
            raise Wrong(f"{os.path.basename(self.folder)}: {error}\nmet by rules: {self.met()}\n{self.log}")
        if error is None:
            shutil.rmtree(self.folder)

    def real(self, *names):
        return self.path("real" if names[0].split("/")[0] in self.shared else "local", *names)

    # What the share is like.

    def set(self, semantics):
        self.semantics = semantics
        with open(self.path("semantics.new"), "w") as file:
            json.dump(semantics, file)
        self.seen = len(self.met())
        os.rename(self.path("semantics.new"), self.path("semantics"))

    def met(self):
        return text_of(self.path("semantics.log")).splitlines()

    @property
    def count(self):
        """How often rules were met since they were set."""
        return len(self.met()) - self.seen

    def came(self):
        if not self.count:
            raise Wrong("what was to go wrong never came; the test shows nothing")

    # What people do.

    def make(self, folder, seed=0, fails=False, change=None):
        self.jobs.write(folder, {"job.yaml": seed})
        if fails:
            self.edit(folder + "/job.yaml", f"max_train_steps: {STEPS}", "max_train_steps: -1")
        if change:
            change(folder)

    @staticmethod
    def edit(file, old, new):
        with open(file) as opened:
            text = opened.read()
        if old not in text:
            raise Wrong(f"no {old} in {file}")
        with open(file, "w") as opened:
            opened.write(text.replace(old, new))

    def drop(self, name, seed=0, fails=False, change=None):
        """As another machine does."""
        hidden = self.real("inbox", ".dropping")
        self.make(hidden, seed, fails, change)
        (self.failing if fails else self.dropped)[name] = (seed, contents(hidden))
        os.rename(hidden, self.real("inbox", unicodedata.normalize("NFD", name) if self.semantics.get("nfd") else name))

    def mend(self, name):
        """Mends a failed job in the outbox."""
        seed, photos = self.failing.pop(name)
        folder = self.entry(name, ".failed", os.listdir(self.real("outbox")))
        if folder is None:
            raise Wrong(f"there is no {name}.failed; the outbox has {os.listdir(self.real('outbox'))}")
        file = self.real("outbox", folder, "input/job.yaml")
        self.edit(file, "max_train_steps: -1", f"max_train_steps: {STEPS}")
        with open(file, "rb") as opened:
            self.dropped[name] = (seed, {**photos, "job.yaml": opened.read()})

    def retry(self, name):
        self.segmix("retry", name)

    def segmix(self, *arguments, status=0):
        try:
            done = subprocess.run([self.campaign.segmix, *arguments, "--config", self.path("segmixd.yaml")], capture_output=True, text=True, timeout=60)
        except subprocess.TimeoutExpired:
            raise Wrong(f"segmix {' '.join(arguments)} had not ended after 60 s")
        if (done.returncode == 0) != (status == 0):
            raise Wrong(f"segmix {' '.join(arguments)} ended with {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    # The daemon.

    def drain_until_trouble(self, patience=60):
        """A drain to its own end, or until it is at a loss and would wait. Returns its status."""
        said = len(self.log)
        self.start("--drain")
        end = time.monotonic() + patience
        while self.daemon.poll() is None and not re.search(TROUBLE, self.log[said:]):
            if time.monotonic() > end:
                raise Wrong(f"a drain had not ended after {patience} s and says nothing")
            time.sleep(0.02)
        if self.daemon.poll() is None:
            time.sleep(0.3)
        status = self.stop()
        # What is whole elsewhere and could not be removed goes with the next start.
        left = [name for name in os.listdir(self.real("inbox")) if not name.endswith(".leaving")] + glob.glob(self.real("state/jobs/*"))
        if status == 0 and left:
            raise Wrong(f"a drain ended with status 0 and left {left}")
        return status

    def drain_whole(self):
        """A drain over a share that is in order: it goes to its own end at once."""
        self.start("--drain")
        try:
            status = self.daemon.wait(45)
        except subprocess.TimeoutExpired:
            self.end()
            raise Wrong("with the share in order again a drain had not ended after 45 s")
        if status not in ([0, 1] if self.failing else [0]):
            raise Wrong(f"with the share in order again a drain ended with status {status}")

    def comes_right(self, rest=None):
        """A drain while something goes wrong, and another one when the share is in order again, or of the semantics `rest`."""
        self.drain_until_trouble()
        self.came()
        self.set(rest or {})
        self.drain_whole()
        self.is_in_order()

    def is_in_order(self):
        outbox = {plain(name): self.real("outbox", name) for name in os.listdir(self.real("outbox"))}

        def place(name, suffix=""):
            return outbox.pop(self.entry(name, suffix, outbox), None)

        for name, (seed, photos) in self.dropped.items():
            result = place(name)
            if result is None:
                raise Wrong(f"there is no result of {name}; the outbox has {sorted(outbox)}" + "".join(": " + text_of(folder + "/error.txt") for folder in outbox.values()))
            files = [os.path.basename(file)[: -len(".safetensors")] for file in glob.glob(glob.escape(result) + "/*.safetensors")]
            own = next((file for file in files if plain(name).startswith(plain(file))), name)
            try:
                fault = self.jobs.fault(result, seed, own)
            except (OSError, ValueError, struct.error) as error:
                fault = f"has files that cannot be read: {error}"
            if fault:
                raise Wrong(f"{name} {fault}")
            if empty := [file for file, data in contents(result).items() if not data]:
                raise Wrong(f"{name} has empty files: {empty}")
            kept = [folder for folder in glob.glob(glob.escape(self.real("state")) + "/done/*/input/*") if plain(os.path.basename(folder)) == name]
            self.holds(name, kept, photos)
        for name, (_, photos) in self.failing.items():
            folder = place(name, ".failed")
            if folder is None:
                raise Wrong(f"there is no {name}.failed; the outbox has {sorted(outbox)}")
            if not re.search("max_train_steps", text_of(folder + "/error.txt")):
                raise Wrong(f"{name}.failed says the wrong thing: {text_of(folder + '/error.txt')}")
            self.holds(name, [folder + "/input"] if os.path.isdir(folder + "/input") else [], photos)
        if outbox:
            raise Wrong(f"{sorted(outbox)} is left in the outbox")
        left = os.listdir(self.real("inbox")) + glob.glob(self.real("state/jobs/*"))
        for part in ("inbox", "outbox", "state/done"):
            for folder, folders, files in os.walk(self.real(part)):
                left += [
                    os.path.join(folder, name) for name in folders + files
                    if part == "outbox" and name.startswith(".") or re.search(r"^\.nfs|\.(tmp|partial|copy|leaving|taking|submitted)$", name)]
        if left:
            raise Wrong(f"left over: {left}")
        if workers_of(self.state):
            raise Wrong("a worker is left")

    @staticmethod
    def entry(name, suffix, entries):
        """What a result is called; a long name may have been shortened."""
        found = [
            entry for entry in entries
            if plain(entry) == name + suffix or len(entry) > 60 and entry.endswith(suffix) and name.startswith(entry[: len(entry) - len(suffix)])]
        return found[0] if len(found) == 1 else None

    @staticmethod
    def holds(name, folders, photos):
        if len(folders) != 1:
            raise Wrong(f"the photos of {name} are in {folders or 'no place where they were promised'}")
        found = {plain(file): data for file, data in contents(folders[0]).items()}
        if found != photos:
            others = sorted(file for file in set(found) | set(photos) if found.get(file) != photos.get(file))
            raise Wrong(f"{folders[0]} has others than were dropped: {', '.join(f'{file} ({len(found[file]) if file in found else None} bytes)' for file in others)}")


def spread(count, most):
    """Which of so many moments: half of them the first ones, where most is decided, the others up to the last."""
    if count <= most:
        return list(range(count))
    first = most // 2
    return [*range(first), *sorted({count - 1 - round(i * (count - 1 - first) / (most - first)) for i in range(most - first)})]


def each(points, run):
    """All of them, whatever becomes of one."""
    wrong = []
    for point in points:
        try:
            run(*point)
        except Wrong as fault:
            wrong.append(str(fault))
    if wrong:
        raise Wrong(f"{len(wrong)} of {len(points)} points\n" + "\n".join(wrong))


# Merely poorer.

LINKS = ("symlink", "link", "mknod")
ATTRIBUTES = ("chmod", "chown", "utimens")
POORER = {
    "windows": {
        **dict.fromkeys(LINKS, "EPERM"), **dict.fromkeys(ATTRIBUTES, "EPERM"), "uid": 4242, "gid": 4242, "file_mode": "0777", "folder_mode": "0777",
        "nocase": True, "granularity": 2},
    "ignoring": {
        **dict.fromkeys(LINKS, "EOPNOTSUPP"), **dict.fromkeys(ATTRIBUTES, "ignore"), "uid": 4242, "gid": 4242, "file_mode": "0755", "folder_mode": "0755",
        "fsyncdir": "EINVAL", "offset": 3600},
    "mac": {"nfd": True, **dict.fromkeys(ATTRIBUTES, "EOPNOTSUPP"), "fsyncdir": "EOPNOTSUPP"},
    "knows_nothing": {**dict.fromkeys(LINKS, "ENOSYS"), "zero_times": True, "statfs": "zero"},
    "replaces_nothing": {"rename_existing": "EEXIST"},
    "inodes_of_folders": {"inodes": "folders"},
    "inodes_of_paths": {"inodes": "path"},
    "inodes_at_random": {"inodes": "random"},
}


def poorer(kind, semantics):
    def run(campaign):
        with Share(campaign, "poorer_" + kind, ("inbox", "outbox"), semantics) as place:
            place.drop("Bär und Müller")
            place.drop("fails", 1, fails=True)
            place.drain_whole()
            place.is_in_order()
            place.mend("fails")
            place.retry("fails")
            place.drain_whole()
            place.is_in_order()

    return run


for kind, semantics in POORER.items():
    CASES["poorer_" + kind] = poorer(kind, semantics)


# Told late, or never.


@case
def full_at_close(campaign):
    """A share that says only at close that there was no room; what was written is gone."""
    def point(name, part, file, errno, fails):
        with Share(campaign, f"full_at_close-{name}", (part,), {"rules": [rule("flush", file, errno, wipe=True)]}) as place:
            place.drop("toys", fails=fails)
            place.comes_right()

    each([
        ("lora", "outbox", r"outbox/.*weights\.safetensors\.copy$", "ENOSPC", False),
        ("report", "outbox", r"outbox/.*report\.json\.copy$", "EDQUOT", False),
        ("failed_photo", "outbox", r"outbox/.*input.*/a00\.png$", "EDQUOT", True),
        ("taken_photo", "state", r"state/.*/a00\.png$", "ENOSPC", False),
    ], point)


@case
def full_at_close_of_a_submission(campaign):
    with Share(campaign, "full_at_close_of_a_submission", ("inbox",), {"rules": [rule("flush", r"/a00\.png$", "EDQUOT", wipe=True)]}) as place:
        place.make(place.path("toys"))
        said = place.segmix("submit", place.path("toys"), status=1)
        place.came()
        if not re.search("quota", said, re.I) or os.listdir(place.real("inbox")):
            raise Wrong(f"it said {said!r} and left {os.listdir(place.real('inbox'))}")
        place.set({})
        place.segmix("submit", place.path("toys"))
        place.dropped["toys"] = (0, {**contents(place.path("toys")), ".ready": b""})
        place.drain_whole()
        place.is_in_order()


@case
def reads_end_early(campaign):
    def point(name, part, file, fails):
        # What a worker reads while it is at work is not what is meant here.
        armed = {"armed_by": PUBLISHING} if part == "state" else {}
        with Share(campaign, f"reads_end_early-{name}", (part,), {"rules": [rule("read", file, end=True, **armed)]}, direct=part == "inbox") as place:
            place.drop("toys", fails=fails)
            place.comes_right()

    each([
        ("taken_photo", "inbox", r"inbox/.*/a00\.png$", False),
        ("lora", "state", r"state/.*/output/.*weights\.safetensors$", False),
        ("failed_photo", "state", r"state/.*/a00\.png$", True),
    ], point)


# One look that fails.


def at_moments(campaign, name, part, look, fails=False, errno="EIO", armed_by=None, before=None):
    """One lstat of a path fails, at some of all the moments at which there is one.

    First a run in which everything is only noted down: where the next is something deeper down, it is just a step on the way there."""
    moments, looks, met = [None], [], 0
    while moments:
        skip = moments.pop(0)
        rules = [rule("getattr", look, errno, skip=skip)] if skip is not None else [rule(".*", "", count=1 << 30)]
        if armed_by:
            rules[0]["armed_by"] = armed_by
        with Share(campaign, f"{name}-{'all' if skip is None else skip}", (part,), {}) as place:
            place.drop("toys", fails=fails)
            if before:
                before(place)
            place.set({"rules": rules})
            if skip is None:
                place.drain_whole()
                place.is_in_order()
                noted = [line.split(" ", 2) for line in place.met()[place.seen:]]
                number = 0
                for (op, _, path), (_, _, following) in zip(noted, [*noted[1:], ("", "", "")]):
                    if op == "getattr" and re.search(look, path):
                        if not following.startswith(path + "/"):
                            looks.append(number)
                        number += 1
                if not looks:
                    raise Wrong("nobody looked there; the test shows nothing")
                moments = [looks[i] for i in spread(len(looks), campaign.options.moments)]
            else:
                place.drain_until_trouble()
                met += place.count
                place.set({})
                place.drain_whole()
                place.is_in_order()
    return f"{met} of {len(looks)} moments"


@case
def look_at_lora_fails(campaign):
    return at_moments(campaign, "look_at_lora_fails", "state", r"/output/job/pytorch_lora_weights\.safetensors$", armed_by=PUBLISHING)


@case
def look_at_output_fails(campaign):
    return at_moments(campaign, "look_at_output_fails", "state", r"/output/job$", armed_by=PUBLISHING)


@case
def look_at_input_fails(campaign):
    return at_moments(campaign, "look_at_input_fails", "state", r"/input/toys$", fails=True, armed_by=PUBLISHING)


@case
def look_at_partial_fails(campaign):
    """Of a job that failed, whose last rename had failed before."""
    def broken_off(place):
        place.set({"rules": [rule("rename", r"failed\.partial -> ", "EHOSTDOWN")]})
        place.drain_until_trouble()
        place.came()

    return at_moments(campaign, "look_at_partial_fails", "outbox", r"/outbox/\.[^/]*\.partial$", fails=True, errno="EHOSTDOWN", before=broken_off)


@case
def look_at_inbox_fails(campaign):
    return at_moments(campaign, "look_at_inbox_fails", "inbox", r"/inbox/toys$", errno="EHOSTDOWN")


@case
def look_at_failed_fails(campaign):
    """While it is taken up again."""
    def failed(place):
        place.drain_whole()
        place.mend("toys")
        place.retry("toys")

    return at_moments(campaign, "look_at_failed_fails", "outbox", r"/outbox/toys\.failed$", fails=True, before=failed)


# Renames.


@case
def move_back_fails(campaign):
    """Something arrives in the last moment, and the folder cannot have its name back at once."""
    def point(name, part, is_failed):
        with Share(campaign, f"move_back_fails-{name}", (part,), {}) as place:
            place.drop("toys", fails=is_failed)
            if is_failed:
                place.drain_whole()
                place.mend("toys")
                place.retry("toys")
            seed, photos = place.dropped["toys"]
            place.dropped["toys"] = (seed, {**photos, "late.txt": b"late\n"})
            place.set({"rules": [rule("rename", r" -> .*\.leaving$", write="late.txt"), rule("rename", r"\.leaving -> ", "EHOSTDOWN")]})
            place.drain_until_trouble()
            if place.count != 2:
                raise Wrong("nothing was to be put back; the test shows nothing")
            place.set({})
            place.drain_whole()
            place.is_in_order()

    each([("claim", "inbox", False), ("retry", "outbox", True)], point)


def renames(campaign, kind, errno, after, late=0, **semantics):
    def point(name, part, which, end):
        with Share(campaign, f"renames_{kind}-{name}", (part,), semantics) as place:
            place.drop("toys", fails=end != "done")
            if end == "retry":
                place.drain_whole()
                place.mend("toys")
                place.retry("toys")
            place.set({**semantics, "rules": [rule("rename", which, errno, after=after, **({"late": late} if late else {}))]})
            place.drain_until_trouble()
            place.came()
            time.sleep(late)
            place.set(semantics)
            place.drain_whole()
            place.is_in_order()

    each([
        ("claim", "inbox", r"inbox/toys -> ", "done"),
        ("leaving", "inbox", r"\.taking -> ", "done"),
        ("copy", "state", r"/input/\.toys\.copy -> ", "done"),
        ("part", "outbox", r"outbox/.*weights\.safetensors\.copy -> ", "done"),
        ("input", "outbox", r"outbox/.*/\.input\.copy -> ", "failed"),
        ("last", "outbox", r"\.partial -> ", "done"),
        ("last_of_failed", "outbox", r"\.failed\.partial -> ", "failed"),
        ("retry_leaving", "outbox", r"toys\.failed/input -> ", "retry"),
        ("retry_copy", "state", r"/input/\.toys\.copy -> ", "retry"),
        ("aside", "state", r"/jobs/[^/]* -> /state/done/", "done"),
    ], point)


@case
def renames_reported_as_failed(campaign):
    """They are done all the same."""
    renames(campaign, "reported_as_failed", "ENOENT", after=True)


@case
def renames_shown_late(campaign):
    """As on NFS, which answers from what it knew a moment ago."""
    renames(campaign, "shown_late", "ETIMEDOUT", after=True, late=2)


@case
def renames_fail_once(campaign):
    """Where folders have other inodes with every look, too."""
    renames(campaign, "fail_once", "EHOSTDOWN", after=False, inodes="random")


# Names.


@case
def names_of_143_bytes(campaign):
    """As on encrypted shares."""
    def point(part, lengths):
        with Share(campaign, f"names_of_143_bytes-{part}", (part,), {"name_max": 143}) as place:
            for i, length in enumerate(lengths):
                place.drop("abcd"[i] + "x" * (length - 1))
                place.drop("efgh"[i] + "x" * (length - 1), 1, fails=True)
            place.drain_whole()
            place.is_in_order()
            longest = list(place.failing)[-1]
            place.mend(longest)
            place.retry(longest)
            place.drain_whole()
            place.is_in_order()

    each([("outbox", (110, 136, 140, 150)), ("inbox", (110, 136, 140)), ("state", (110, 136, 140))], point)


# The worker.


@case
def reading_fails_once(campaign):
    """Of a photo or of what says what is on it, while the worker reads it: that is no fault of the job."""
    def point(name, op, file, errno):
        # The kernel reads a page again, and looks for a path once more.
        with Share(campaign, f"reading_fails_once-{name}", ("state",), {"rules": [rule(op, file, errno, count=2)]}) as place:
            place.drop("toys")
            place.drain_until_trouble()
            place.came()
            place.says(r"attempt 1 of 3: exit status 74")
            place.set({})
            place.drain_whole()
            place.is_in_order()

    each([
        ("photo", "read", r"/input/toys/a00\.png$", "EIO"),
        ("photo_open", "open", r"/input/toys/a00\.png$", "ESTALE"),
        ("prior", "read", r"/input/toys/prior/a00\.png$", "EIO"),
        ("metadata", "read", r"/input/toys/metadata\.jsonl$", "EIO"),
        ("metadata_open", "open", r"/input/toys/metadata\.jsonl$", "ESTALE"),
    ], point)


# Somebody has it open.


@case
def open_in_the_inbox(campaign):
    """A share renames what is removed while somebody has it open."""
    with Share(campaign, "open_in_the_inbox", ("inbox",), {"silly": True}) as place:
        place.drop("toys")
        with open(place.path("share/inbox/toys/a00.png"), "rb") as file:
            file.read(9)
            place.drain_until_trouble()
            if not glob.glob(place.real("inbox") + "/**/.nfs*", recursive=True, include_hidden=True):
                raise Wrong("nothing was removed while it was open; the test shows nothing")
        place.drain_whole()
        place.is_in_order()


@case
def open_in_a_failed_job(campaign):
    """While it is taken up again."""
    with Share(campaign, "open_in_a_failed_job", ("outbox",), {"silly": True}) as place:
        place.drop("toys", fails=True)
        place.drain_whole()
        place.mend("toys")
        with open(place.path("share/outbox/toys.failed/input/a00.png"), "rb") as file:
            file.read(9)
            place.retry("toys")
            place.drain_until_trouble()
            place.drain_until_trouble()
        place.drain_whole()
        # What was still open then is gone with the next start.
        place.drain_whole()
        place.is_in_order()


# Metadata from elsewhere.


@case
def capital_letters_in_metadata(campaign):
    def change(folder):
        Share.edit(folder + "/metadata.jsonl", '"a00.png"', '"A00.PNG"')

    def point(name, semantics):
        with Share(campaign, f"capital_letters_in_metadata-{name}", ("inbox",), semantics) as place:
            place.drop("toys", change=change)
            place.drain_whole()
            place.is_in_order()

    each([("here", {}), ("share", {"nocase": True})], point)


def python_with_fusepy():
    """Debian's own may be another than the first in PATH."""
    for python in [sys.executable, "/usr/bin/python3"]:
        find = "import importlib\ntry: importlib.import_module('fusepy')\nexcept ImportError: importlib.import_module('fuse').Operations"
        if subprocess.run([python, "-c", find], stderr=subprocess.DEVNULL).returncode == 0:
            return python
    raise Skipped("there is no fusepy (apt-get install python3-fusepy)")


def main():
    parser = parser_of(__doc__)
    parser.add_argument("--moments", type=int, default=10, help="at how many moments one look fails")
    options = parser.parse_args()
    with_mounts_of_its_own()
    try:
        needs_mounts()
        if not os.path.exists("/dev/fuse"):
            raise Skipped("there is no /dev/fuse (modprobe fuse)")
        options.python = python_with_fusepy()
    except Skipped as reason:
        print(f"SKIPPED: {reason}")
        return 0
    return Campaign(options, "shares", STEPS, photos=2).carry_out()


if __name__ == "__main__":
    sys.exit(main())
