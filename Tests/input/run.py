#!/usr/bin/env python3
"""Gives strange files to the programs' readers, strange folders to segmix check, and some of these to a real daemon.

    run.py PROGRAMS [--count 10000] [--folders 240] [--dropped 60] [--seed N] [--seconds 420] [--only PARTS] [--case PART:NUMBER]

PROGRAMS is the folder of segmix, segmixd, read-inputs and read-weights. Nothing may end a reader or let it hang, no message may be without
the file's name or longer than a line, no file outside a folder may be opened, memory is bounded, and a daemon outlives it all. Every case
follows from the seed and its own number: --case makes that one again and leaves it. Needs Python's own library only, and Linux. Exit
status: 0 all is well, 1 something is not.
"""

import argparse
import collections
import json
import os
import random
import re
import resource
import select
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

import folders
import pictures
import texts
import weights
from canary import Canary

# KiB. A reader alone takes some thirty MiB; the largest JPEG that is read at all has 512 MiB of pixels and twice that of coefficients.
MEMORY = {"photo": 1_800_000, "mask": 1_800_000, "weights": 400_000, "lora": 400_000, "job": 400_000, "configuration": 400_000}
# How errors are called that say what is wrong with a file.
ERRORS = {
    "photo": {"ImageError"}, "mask": {"ImageError"}, "weights": {"SafetensorsError", "FileError"}, "lora": {"SafetensorsError", "FileError", "WeightsError", "AdapterFaults", "WeightFaults"},
    "job": {"FaultList"}, "configuration": {"FaultList"},
}
CONFIGURATION = """\
inbox: inbox
outbox: outbox
state: state
settle_seconds: 0.1
rescan_seconds: 0.5
min_free_space: 0
max_attempts: 1
status_page: none
models:
  tiny: {{base: {model}}}
"""


class Wrong(Exception):
    pass


def unseen(text):
    """What a terminal would act on, or a reader take for another line."""
    return re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]", text)


class Reader:
    """A process that reads one file after the other."""

    def __init__(self, program, folder, patience):
        self.program, self.patience, self.process = program, patience, None
        self.errors = os.path.join(folder, os.path.basename(program) + ".errors")

    def start(self):
        with open(self.errors, "wb") as errors:
            self.process = subprocess.Popen([self.program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors)

    def ask(self, kind, path):
        if self.process is None:
            self.start()
        self.process.stdin.write(f"{kind}\t{path}\n".encode())
        self.process.stdin.flush()
        if not select.select([self.process.stdout], [], [], self.patience)[0]:
            self.process.kill()
            self.process.wait()
            self.process = None
            raise Wrong(f"nothing is said after {self.patience} s")
        line = self.process.stdout.readline()
        if not line:
            status = self.process.wait()
            self.process = None
            with open(self.errors, errors="replace") as file:
                raise Wrong(f"the reader ended with {status}: {file.read()[-3000:]}")
        return json.loads(line)

    def end(self):
        """Asks it to end; what it then has to say (leaks) is a fault."""
        if self.process is None:
            return
        self.process.stdin.close()
        status = self.process.wait(self.patience * 10)
        self.process = None
        if status != 0:
            with open(self.errors, errors="replace") as file:
                raise Wrong(f"{self.program} ended with {status}: {file.read()[-3000:]}")


class Campaign:
    def __init__(self, options, folder, seed):
        self.options, self.folder, self.seed = options, folder, seed
        self.programs = os.path.realpath(options.programs)
        self.inputs, self.weights = (Reader(f"{self.programs}/{name}", folder, options.patience) for name in ("read-inputs", "read-weights"))
        self.canary = Canary(folder + "/outside", pictures.sound("jpg")[0])
        self.faults, self.done, self.sorts, self.most = [], collections.Counter(), collections.Counter(), collections.Counter()
        self.end = time.monotonic() + options.seconds

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def random(self, part, number):
        return random.Random(f"{self.seed} {part} {number}")

    def fault(self, part, number, what, text):
        self.faults.append(f"{part}:{number}")
        print(f"WRONG {part}:{number} ({what}): {text}", flush=True)

    # What is said of one input.

    def look(self, kind, path, name, lines=1):
        """Reads a file; what was found in it, or None where it was refused as it should be."""
        answer = (self.weights if kind in ("weights", "lora") else self.inputs).ask(kind, path)
        if opened := self.canary.opened():
            raise Wrong(f"outside of the folder were opened: {opened}")
        if self.canary.is_in(json.dumps(answer, ensure_ascii=False).encode("utf-8", "surrogatepass")):
            raise Wrong(f"it says what is outside of the folder: {answer}")
        self.most[kind] = max(self.most[kind], answer["peak"])
        if answer["peak"] > MEMORY[kind] and not self.options.any_memory:
            raise Wrong(f"it took {answer['peak'] >> 10} MiB")
        if "found" in answer:
            self.sorts["read"] += 1
            return answer["found"]
        self.sorts["refused"] += 1
        said = answer["said"]
        if answer["error"] not in ERRORS[kind]:
            raise Wrong(f"an error of another sort: {answer['error']}: {said}")
        if name and name not in said:
            raise Wrong(f"it does not name the file: {said}")
        if unseen(said) or len(said) > (4000 if lines == 1 else 400_000) or len(said) < 20 or max(map(len, said.split("\n"))) > 4000 or lines == 1 and "\n" in said and kind != "lora":
            raise Wrong(f"this is no sentence: {said[:5000]!r}")
        return None

    # The parts.

    def pictures(self, number):
        random = self.random("pictures", number)
        if random.random() < 0.03:
            suffix, data, width, height = pictures.oriented(random)
            path = self.write(f"oriented-{number}.{suffix}", data)
            found = self.look("photo", path, os.path.basename(path))
            if found is None or not found.startswith(f"{width} × {height}, "):
                raise Wrong(f"{width} × {height} was to be seen, and {found} was")
            return path, "oriented"
        what, suffix, data = pictures.strange(random)
        path = self.write(f"strange-{number}.{suffix}", data)
        self.look(random.choice(["photo", "photo", "mask"]), path, os.path.basename(path))
        return path, what

    def weights_files(self, number):
        random = self.random("weights", number)
        what, data = weights.strange(random)
        path = self.write(f"strange-{number}.safetensors", data)
        self.look(random.choice(["weights", "lora"]), path, os.path.basename(path))
        return path, what

    def texts(self, number):
        random = self.random("texts", number)
        kind = random.choice(["specification", "specification", "photos", "photos", "configuration"])
        folder = self.path("files", f"text-{number}")
        if kind == "configuration":
            what, data = texts.strange_yaml(random, texts.CONFIGURATION)
            path = self.write(f"strange-{number}.yaml", data)
            self.look("configuration", path, os.path.basename(path), lines=2)
            return path, kind + ", " + what
        folders.plain(folder)
        name = "job.yaml" if kind == "specification" else "metadata.jsonl"
        what, data = texts.strange_yaml(random, texts.SPECIFICATION) if kind == "specification" else texts.strange_photos(random)
        folders.write(f"{folder}/{name}", data)
        self.look("job", folder, name, lines=2)
        return folder, kind + ", " + what

    def names(self, number):
        random, folder = self.random("names", number), self.path("files", f"names-{number}")
        folders.plain(folder)
        what = folders.strange_names(random, folder, self.canary)
        self.look("job", folder, "", lines=2)
        return folder, what

    def folders(self, number):
        """segmix check, as somebody would call it."""
        random, folder = self.random("folders", number), self.path("files", f"folder-{number}")
        folders.plain(folder, hollow=False)
        what = folders.strange(random, folder, self.canary)
        command = [self.programs + "/segmix", "check", folder, "--config", self.path("segmixd.yaml")]
        with open(self.path("said"), "wb") as said:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        end = time.monotonic() + 60
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() > end:
                process.kill()
                process.wait()
                raise Wrong(f"{what}: segmix check has not ended after 60 s")
            time.sleep(0.005)
        process.returncode = status = os.waitstatus_to_exitcode(status)
        with open(self.path("said"), "rb") as file:
            raw = file.read()
        said = raw.decode(errors="replace")
        self.sorts[f"check {status}"] += 1
        self.most["check"] = max(self.most["check"], usage.ru_maxrss)
        if status not in (0, 65, 69, 74):
            raise Wrong(f"{what}: exit status {status}: {said[-3000:]}")
        if opened := self.canary.opened():
            raise Wrong(f"{what}: outside of the folder were opened: {opened}")
        if self.canary.is_in(raw):
            raise Wrong(f"{what}: it says what is outside of the folder: {said}")
        if usage.ru_maxrss > 1_500_000:
            raise Wrong(f"{what}: it took {usage.ru_maxrss >> 10} MiB")
        if status and (unseen(said) or len(said) > 400_000 or "Fatal" in said or not re.search(r"\.(jpe?g|png|jsonl|yaml|yml)\b|folder|is a link|UTF-8|spec", said)):
            raise Wrong(f"{what}: exit status {status}, and what it says is no help: {said[:3000]!r}")
        return folder, what

    def write(self, name, data):
        path = self.path("files", name)
        with open(path, "wb") as file:
            file.write(data)
        return path

    PARTS = {"pictures": (pictures, 0.4), "weights": (weights_files, 0.2), "texts": (texts, 0.3), "names": (names, 0.1)}

    def one(self, part, number):
        """One case, from its number; what it leaves is removed unless it is wrong."""
        before = set(os.listdir(self.path("files")))
        function = {"pictures": Campaign.pictures, "weights": Campaign.weights_files, "texts": Campaign.texts, "names": Campaign.names, "folders": Campaign.folders}[part]
        self.done[part] += 1
        try:
            function(self, number)
        except Wrong as wrong:
            return self.fault(part, number, ", ".join(sorted(set(os.listdir(self.path("files"))) - before)), wrong)
        if not self.options.case:
            for name in set(os.listdir(self.path("files"))) - before:
                remove(self.path("files", name))

    def run(self, parts):
        counts = {"pictures": 0.4, "weights": 0.2, "texts": 0.3, "names": 0.1}
        for part in parts:
            if part == "daemon":
                self.daemon()
                continue
            number = self.options.folders if part == "folders" else round(self.options.count * counts[part])
            began = time.monotonic()
            for i in range(number):
                if len(self.faults) >= 30 or time.monotonic() > self.end:
                    break
                self.one(part, i)
            if number and not self.done[part]:
                self.fault(part, 0, "all", "nothing of it was looked at in the time that there was")
            print(f"{part}: {self.done[part]} of {number} in {time.monotonic() - began:.0f} s", flush=True)
        for reader in (self.inputs, self.weights):
            try:
                reader.end()
            except Wrong as wrong:
                self.fault("readers", 0, "at its end", wrong)

    # The daemon.

    def prepare(self):
        os.makedirs(self.path("files"))
        subprocess.run([self.programs + "/segmix", "make-model", self.path("model"), "--preset", "tiny"], check=True, stdout=subprocess.DEVNULL)
        with open(self.path("segmixd.yaml"), "w") as file:
            file.write(CONFIGURATION.format(model=self.path("model")))
        for name in ("inbox", "outbox"):
            os.makedirs(self.path(name))

    def daemon(self):
        """Strange folders under strange names, and between them some that are in order and must be done."""
        names = [b"toys %d", b"a\nb %d", b"\x1b[31mred %d", "💥 %d".encode(), b"%d " + b"x" * 250, b"-rf %d", b"$(id) %d", b"'\" %d", b"%%s%%n %d", "Mu\u0308ller %d".encode(), "M\u00fcller %d".encode(), b"TOYS %d", b"dots.. %d", b"toys.failed %d", b"<b>%d"]
        dropped, sound = {}, 0
        log = open(self.path("daemon.log"), "wb")
        daemon = subprocess.Popen([self.programs + "/segmixd", "--config", self.path("segmixd.yaml")], stdout=log, stderr=log)
        try:
            for number in range(self.options.dropped):
                random, hidden = self.random("daemon", number), self.path("hidden")
                folders.plain(hidden, hollow=False)
                name = names[number % len(names)] % (number // len(names))
                if number % 6 == 5:
                    what, sound = None, sound + 1
                else:
                    what = folders.strange(random, hidden, self.canary)
                dropped[name] = (what, tree(hidden))
                os.rename(hidden, os.path.join(os.fsencode(self.path("inbox")), name))
            # Not every name in an inbox is a job's.
            os.mkfifo(self.path("inbox", "pipe"))
            os.symlink(self.canary.folder, self.path("inbox", "link"))
            os.makedirs(os.path.join(os.fsencode(self.path("inbox")), b"caf\xe9"))
            end = time.monotonic() + 60 + 3 * self.options.dropped
            while time.monotonic() < end and daemon.poll() is None and (set(os.listdir(os.fsencode(self.path("inbox")))) & set(dropped) or os.listdir(self.path("state/jobs"))):
                time.sleep(0.2)
            with open(self.path("daemon.log"), errors="replace") as file:
                said = file.read()
            if daemon.poll() is not None:
                return self.fault("daemon", 0, "", f"it ended with {daemon.returncode}:\n{said[-3000:]}")
            with open(f"/proc/{daemon.pid}/status") as file:
                peak = int(re.search(r"VmHWM:\s+(\d+)", file.read())[1])
            daemon.terminate()
            if daemon.wait(30) != 0:
                self.fault("daemon", 0, "", f"asked to stop, it ended with {daemon.returncode}:\n{said[-3000:]}")
        finally:
            if daemon.poll() is None:
                daemon.kill()
                daemon.wait()
            log.close()
        self.most["daemon"] = peak
        if peak > 150_000:
            self.fault("daemon", 0, "", f"it took {peak >> 10} MiB")
        if unseen(said):
            self.fault("daemon", 0, "", f"its log has what a terminal acts on: {unseen(said)}")
        self.look_at_ends(dropped)
        if opened := self.canary.opened():
            self.fault("daemon", 0, "", f"outside of the folders were opened: {opened}")
        for place in ("outbox", "state", "daemon.log"):
            for file in files_below(self.path(place)):
                with open(file, "rb") as content:
                    if self.canary.is_in(content.read()) and b"/input/" not in file:
                        self.fault("daemon", 0, "", f"{file} says what is outside of a folder")
        self.done["daemon"] += len(dropped)
        print(f"daemon: {len(dropped)} folders, {sound} of them in order; {peak >> 10} MiB", flush=True)

    def look_at_ends(self, dropped):
        """Every folder is done, or lies whole beside what is wrong with it."""
        outbox = os.fsencode(self.path("outbox"))
        ends = {name: os.path.join(outbox, name) for name in os.listdir(outbox)}
        for number, (name, (what, before)) in enumerate(dropped.items()):
            short = name
            while len(short) > 220:
                short = short[:-1]
            if short in ends and os.path.exists(ends[short] + b"/pytorch_lora_weights.safetensors"):
                self.sorts["done"] += 1
                continue
            if short in ends and what is not None and any(os.path.exists(os.path.join(ends[short], inner, b"pytorch_lora_weights.safetensors")) for inner in os.listdir(ends[short])):
                self.sorts["done"] += 1
            # With its ending it is no longer than that either.
            failed = ends.get(short[:220 - len(b".failed")] + b".failed")
            if what is None:
                self.fault("daemon", number, name, "a folder that is in order was not done: " + text_of(failed + b"/error.txt" if failed else b""))
            elif failed is None:
                if short not in ends:
                    self.fault("daemon", number, name, f"{what}: it is nowhere in the outbox")
            else:
                self.sorts["failed"] += 1
                said = text_of(failed + b"/error.txt")
                if len(said) < 60 or unseen(said) or "fault of segmix" in said or "crashed" in said:
                    self.fault("daemon", number, name, f"{what}: {said[:3000]!r}")
                if tree(failed + b"/input") != before:
                    self.fault("daemon", number, name, f"{what}: the folder is not as it was: {tree(failed + b'/input') ^ before}")


def remove(path):
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(os.fsencode(path))
    else:
        os.remove(path)


def tree(folder):
    """What lies in a folder, links and special files included."""
    folder, found = os.fsencode(folder), set()
    for place, inner, files in os.walk(folder):
        for name in inner + files:
            status = os.lstat(os.path.join(place, name))
            found.add((os.path.relpath(os.path.join(place, name), folder), status.st_mode, 0 if os.path.isdir(os.path.join(place, name)) else status.st_size))
    return found


def files_below(path):
    path = os.fsencode(path)
    if os.path.isfile(path):
        yield path
    for place, inner, files in os.walk(path):
        for name in files:
            file = os.path.join(place, name)
            if os.path.isfile(file) and not os.path.islink(file):
                yield file


def text_of(path):
    try:
        with open(path, errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("programs")
    parser.add_argument("--count", type=int, default=10_000, help="of files: pictures, weights, texts, and folders of strange names")
    parser.add_argument("--folders", type=int, default=240, help="for segmix check")
    parser.add_argument("--dropped", type=int, default=60, help="for the daemon")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--seconds", type=float, default=600, help="no new case after that")
    parser.add_argument("--patience", type=float, default=20, help="so many seconds a reader may take for one file")
    parser.add_argument("--only", default="pictures,weights,texts,names,folders,daemon")
    parser.add_argument("--any-memory", action="store_true", help="for readers with memory of their own, as sanitizers have")
    parser.add_argument("--case", help="PART:NUMBER, made again and left, with --seed")
    parser.add_argument("--keep", help="work in this new folder and leave it")
    options = parser.parse_args()
    if options.case and options.seed is None:
        parser.error("--case needs the --seed that it was seen with")
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 32)
    # In memory where that is possible: these are many small files.
    folder = os.path.realpath(options.keep or tempfile.mkdtemp(prefix="segmix-inputs-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None))
    os.makedirs(folder, exist_ok=True)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    print(f"seed {seed}, in {folder}", flush=True)
    campaign = Campaign(options, folder, seed)
    parts = [options.case.split(":")[0]] if options.case else options.only.split(",")
    if set(parts) & {"folders", "daemon"}:
        campaign.prepare()
    else:
        os.makedirs(campaign.path("files"))
    began = time.monotonic()
    if options.case:
        campaign.one(parts[0], int(options.case.split(":")[1]))
    else:
        campaign.run(parts)
    total = sum(campaign.done.values())
    print(f"{total} inputs in {time.monotonic() - began:.0f} s ({dict(campaign.done)}); {dict(campaign.sorts)}; most memory in MiB: "
          f"{ {name: peak >> 10 for name, peak in campaign.most.items()} }; {len(campaign.faults)} faults", flush=True)
    if campaign.faults or options.case:
        print(f"Everything is left in {folder}; again: --seed {seed} --case {(campaign.faults or [options.case])[0]}")
        return 1 if campaign.faults else 0
    if not options.keep:
        shutil.rmtree(os.fsencode(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
