#!/usr/bin/env python3
"""Puts a real daemon with real workers into a world that fails: full disks, vanishing shares, clocks that are set, and more.

    faults.py PROGRAMS [--cases NAME,…] [--sizes 24] [--keep DIR]

PROGRAMS is the folder of segmix and segmixd. Each case must say what is wrong in one sentence, lose nothing, and end, when the world is in
order again, with the result of a run that nobody disturbed. Cases that mount something need root and are skipped without, with a
sentence. Needs Python's own library only. Exit status: 0 all that ran is well, 1 something is not.
"""

import glob
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time

from campaign import Campaign, Place, Skipped, Wrong, case, needs_mounts, parser_of, with_mounts_of_its_own
from tiny import text_of, workers_of

CONFIGURATION = """\
inbox: {inbox}
outbox: disk/outbox
state: disk/state
settle_seconds: {settle}
rescan_seconds: 0.3
min_free_space: 0
status_page: none
models:
  tiny: {{base: {model}}}
{more}
"""
STEPS = 30
# What such a job needs of the disk besides its folder, in pages and in files.
MOST_PAGES, MOST_INODES = 700, 40


def mount(*arguments):
    subprocess.run(["mount", *arguments], check=True)


class Disk(Place):
    """A configuration with its directories: state and outbox on `disk`, the inbox beside it or there too."""

    def __init__(self, campaign, name, more="", inbox="inbox", settle=0.1):
        super().__init__(campaign, name)
        self.inbox, self.outbox, self.state = self.path(inbox), self.path("disk/outbox"), self.path("disk/state")
        os.makedirs(self.path("disk"))
        os.makedirs(self.inbox)
        with open(self.path("segmixd.yaml"), "w") as file:
            file.write(CONFIGURATION.format(inbox=inbox, model=self.jobs.model, more=more, settle=settle))

    def drop(self, name, seed=0):
        self.jobs.write(self.path(".drop"), {"job.yaml": seed})
        shutil.move(self.path(".drop"), f"{self.inbox}/.{name}")
        os.rename(f"{self.inbox}/.{name}", f"{self.inbox}/{name}")

    def drain(self, status=0, patience=120):
        self.start("--drain")
        try:
            ended = self.daemon.wait(patience)
        except subprocess.TimeoutExpired:
            self.end()
            raise Wrong(f"a drain had not ended after {patience} s")
        if ended != status:
            raise Wrong(f"a drain ended with status {ended}, not {status}")

    def until_done(self, name, patience=60):
        self.until(f"the result of {name}", lambda: self.has(f"disk/outbox/{name}") or self.has(f"disk/outbox/{name}.failed"), patience)

    def has(self, name):
        return os.path.exists(self.path(name))

    def is_in_order(self, results):
        """The results are those of undisturbed runs, and nothing else is left; `results`: name → seed."""
        visible = sorted(os.listdir(self.path("disk/outbox")))
        if visible != sorted(results):
            raise Wrong(f"the outbox has {visible}, not {sorted(results)}; " + "".join(text_of(self.path("disk/outbox", name, "error.txt")) for name in visible))
        for name, seed in results.items():
            if fault := self.jobs.fault(self.path("disk/outbox", name), seed, re.sub(r"-\d$", "", name)):
                raise Wrong(f"{name} {fault}")
        for place in [self.inbox, self.path("disk/state/jobs")]:
            if left := os.listdir(place):
                raise Wrong(f"{left} is left in {place}")
        for folder, folders, files in os.walk(self.folder):
            for name in folders + files:
                if re.search(r"\.(tmp|partial|copy|moved|leaving|taking)$", name):
                    raise Wrong(f"{os.path.join(folder, name)} is left")
        if workers_of(self.path("disk/state")):
            raise Wrong("a worker is left")


# Disks.


def full_disk(campaign, name, fill, most, inbox="disk/inbox"):
    """The disk of state and outbox is full from a certain point on, at many points; then there is room again."""
    needs_mounts()
    ends = []
    for size in dict.fromkeys(round(most * i / campaign.options.sizes) for i in range(campaign.options.sizes)):
        place = Disk(campaign, f"{name}-{size}", inbox=inbox)
        try:
            mount("-t", "tmpfs", "-o", "size=64m,nr_inodes=4000", "none", place.path("disk"))
            os.makedirs(place.inbox, exist_ok=True)
            place.drop("toys")
            fill(place.path("disk"), size)
            place.start("--drain")
            # To its own end, or until it is at a loss.
            end = time.monotonic() + 60
            while place.daemon.poll() is None and time.monotonic() < end and not re.search(r"Tried again in|is tried again|cannot be taken", place.log):
                time.sleep(0.02)
            time.sleep(0.3)
            status = place.stop(patience=15)
            if not (os.path.exists(place.path("disk/outbox/toys")) or re.search(r"disk is full|No space left|Make room|make room", place.log)):
                raise Wrong(f"with {size} left nothing says that the disk is full; status {status}:\n{place.log}")
            ends.append(status)
            os.remove(place.path("disk/filler")) if os.path.isfile(place.path("disk/filler")) else shutil.rmtree(place.path("disk/filler"))
            if place.has("disk/outbox/toys.failed"):
                subprocess.run([campaign.segmix, "retry", "toys", "--config", place.path("segmixd.yaml")], check=True, stdout=subprocess.DEVNULL)
            if not place.has("disk/outbox/toys") or os.listdir(place.path("disk/state/jobs")):
                place.drain()
            place.is_in_order({"toys": 0})
        except Wrong as wrong:
            raise Wrong(f"{size} left: {wrong}\n{place.log}")
        finally:
            place.end()
            subprocess.run(["umount", "-l", place.path("disk")])
        shutil.rmtree(place.folder)
    return f"{len(ends)} points, ends {sorted(set(ends))}"


def fill_with_blocks(disk, pages):
    status = os.statvfs(disk)
    with open(disk + "/filler", "wb") as file:
        os.posix_fallocate(file.fileno(), 0, (status.f_bavail - pages) * status.f_frsize)


@case
def no_blocks_left(campaign):
    return full_disk(campaign, "no_blocks_left", fill_with_blocks, most=MOST_PAGES)


@case
def no_blocks_left_for_the_copy(campaign):
    """The inbox lies on another file system, and the folder is copied."""
    return full_disk(campaign, "no_blocks_left_for_the_copy", fill_with_blocks, most=1300, inbox="inbox")


@case
def no_inodes_left(campaign):
    def fill(disk, inodes):
        os.mkdir(disk + "/filler")
        for number in range(os.statvfs(disk).f_favail - inodes):
            open(f"{disk}/filler/{number}", "w").close()

    return full_disk(campaign, "no_inodes_left", fill, most=MOST_INODES)


@case
def outbox_read_only(campaign):
    needs_mounts()
    place = Disk(campaign, "outbox_read_only")
    os.makedirs(place.path("disk/outbox"))
    mount("--bind", place.path("disk/outbox"), place.path("disk/outbox"))
    try:
        place.start()
        place.until("the daemon", lambda: place.has("disk/state/queue.sqlite"))
        mount("-o", "remount,bind,ro", place.path("disk/outbox"))
        place.drop("toys")
        place.until("what is wrong", lambda: "is tried again" in place.log)
        place.says(r"toys waits and is tried again: Cannot .*disk/outbox.*Read-only file system.*mount")
        mount("-o", "remount,bind,rw", place.path("disk/outbox"))
        place.until_done("toys")
        place.until("the note", lambda: not os.listdir(place.path("disk/state/jobs")))
        place.stop()
        place.is_in_order({"toys": 0})
    finally:
        place.end()
        subprocess.run(["umount", "-l", place.path("disk/outbox")])


@case
def state_read_only(campaign):
    needs_mounts()
    place = Disk(campaign, "state_read_only")
    os.makedirs(place.path("disk/state"))
    mount("--bind", place.path("disk/state"), place.path("disk/state"))
    try:
        mount("-o", "remount,bind,ro", place.path("disk/state"))
        place.drop("toys")
        place.drain(status=74)
        place.says(r"segmixd: Cannot .*disk/state.*Read-only file system.*mount")
        mount("-o", "remount,bind,rw", place.path("disk/state"))
        place.drain()
        place.is_in_order({"toys": 0})
    finally:
        place.end()
        subprocess.run(["umount", "-l", place.path("disk/state")])


# The inbox.


@case
def inbox_unmounted_and_back(campaign):
    needs_mounts()
    place = Disk(campaign, "inbox_unmounted_and_back")
    share = place.path("share")
    os.mkdir(share)
    mount("--bind", share, place.path("inbox"))
    try:
        place.start()
        place.drop("early")
        place.until_done("early")
        # In the middle of a folder's arrival.
        place.jobs.write(place.path("inbox/.late"), {"job.yaml": 1})
        subprocess.run(["umount", "-l", place.path("inbox")], check=True)
        time.sleep(1)
        os.rename(share + "/.late", share + "/late")
        mount("--bind", share, place.path("inbox"))
        place.until_done("late")
        place.until("the notes", lambda: not os.listdir(place.path("disk/state/jobs")))
        place.stop()
        place.is_in_order({"early": 0, "late": 1})
    finally:
        place.end()
        subprocess.run(["umount", "-l", place.path("inbox")])


@case
def renamed_while_settling(campaign):
    place = Disk(campaign, "renamed_while_settling", settle=1)
    try:
        place.start()
        place.drop("New folder")
        for old, new in [("New folder", "toys"), ("toys", "toys 2"), ("toys 2", "final")]:
            time.sleep(0.5)
            os.rename(place.path("inbox", old), place.path("inbox", new))
        place.until_done("final")
        place.until("the note", lambda: not os.listdir(place.path("disk/state/jobs")))
        place.stop()
        place.is_in_order({"final": 0})
    finally:
        place.end()


def with_limit(name, value):
    return ["unshare", "--user", "--map-root-user", "sh", "-c", f'echo {value} > /proc/sys/user/{name} && exec "$@"', "sh"]


@case
def no_inotify(campaign):
    for name, value, sentence in [
        ("max_inotify_instances", 0, r"no inotify instance left .*rescans"),
        ("max_inotify_watches", 0, r"cannot be watched .*rescans"),
        ("max_inotify_watches", 1, r"watches are used up .*rescans"),
    ]:
        before = with_limit(name, value)
        if subprocess.run([*before, "true"], stderr=subprocess.DEVNULL).returncode != 0:
            raise Skipped("the limits of inotify cannot be set here")
        # Long enough that a folder is still there when it would need a watch.
        place = Disk(campaign, f"no_inotify-{name}-{value}", settle=1)
        try:
            place.start(before=before)
            for number in range(2):
                place.drop(f"toys{number}", number)
            for number in range(2):
                place.until_done(f"toys{number}")
            place.until("the notes", lambda: not os.listdir(place.path("disk/state/jobs")))
            place.stop()
            place.says(sentence)
            if place.log.count("rescans") > 1:
                raise Wrong(f"it complains again and again:\n{place.log}")
            place.is_in_order({"toys0": 0, "toys1": 1})
        finally:
            place.end()


# The queue.


@case
def queue_truncated_at_work(campaign):
    for size in [0, 4096, 20_000]:
        place = Disk(campaign, f"queue_truncated-{size}")
        try:
            place.start()
            for number in range(3):
                place.drop(f"toys{number}", number % 2)
            place.until("a worker", lambda: workers_of(place.path("disk/state")))
            os.truncate(place.path("disk/state/queue.sqlite"), size)
            time.sleep(4)
            ended = place.stop()
            place.drain()
            place.is_in_order({f"toys{number}": number % 2 for number in range(3)})
            place.says(r"is damaged|was damaged|truncated")
        except Wrong as wrong:
            raise Wrong(f"{size} bytes left: {wrong}\n{place.log}")
        finally:
            place.end()


@case
def queue_locked(campaign):
    place = Disk(campaign, "queue_locked")
    try:
        place.start()
        place.until("the queue", lambda: place.has("disk/state/queue.sqlite"))
        time.sleep(0.5)
        other = sqlite3.connect(place.path("disk/state/queue.sqlite"), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        place.drop("toys")
        place.until("what is wrong", lambda: "locked by" in place.log, patience=45)
        place.says(r"queue.sqlite is locked by another program .*Close whatever has it open")
        other.execute("ROLLBACK")
        place.until_done("toys")
        # Once more while it runs.
        place.drop("more", 1)
        place.until("a worker", lambda: workers_of(place.path("disk/state")))
        other.execute("BEGIN IMMEDIATE")
        time.sleep(5)
        other.execute("ROLLBACK")
        place.until_done("more")
        place.until("the notes", lambda: not os.listdir(place.path("disk/state/jobs")))
        place.stop()
        place.is_in_order({"toys": 0, "more": 1})
    finally:
        place.end()


# Workers.


@case
def photo_replaced(campaign):
    """Somebody whose program still holds a photo open writes into it while the job runs."""
    place = Disk(campaign, "photo_replaced")
    try:
        place.start()
        place.drop("toys")
        place.until("the first steps", lambda: glob.glob(place.path("disk/state/jobs/*/output/job/metrics.jsonl")))
        for photo in glob.glob(place.path("disk/state/jobs/*/input/toys/*.jpg")) + glob.glob(place.path("disk/state/jobs/*/input/toys/*.png")):
            with open(photo, "r+b") as file:
                file.seek(200)
                file.write(bytes(300))
        place.until_done("toys")
        place.until("the note", lambda: not os.listdir(place.path("disk/state/jobs")))
        place.stop()
        if place.has("disk/outbox/toys.failed"):
            said = text_of(place.path("disk/outbox/toys.failed/error.txt"))
            named = re.search(r"^.*\.(jpg|png): .*$", said, re.M)
            if named is None:
                raise Wrong(f"it does not name the photo: {said}")
            return "refused: " + named.group()
        place.is_in_order({"toys": 0})
    finally:
        place.end()


@case
def worker_suspended(campaign):
    place = Disk(campaign, "worker_suspended", "stall_seconds: 2")
    try:
        # The daemon finds out; then it is killed beside a suspended worker; then it is stopped beside one.
        for name, seed in [("stalls", 0), ("orphan", 1), ("stopped", 0)]:
            if place.daemon is None or place.daemon.poll() is not None:
                place.start()
            place.drop(name, seed)
            place.until("the first steps", lambda: glob.glob(place.path(f"disk/state/jobs/*/output/job/metrics.jsonl")))
            for pid in workers_of(place.path("disk/state")):
                os.kill(pid, signal.SIGSTOP)
            if name == "orphan":
                place.daemon.kill()
                place.daemon.wait()
                place.start()
            if name == "stopped":
                place.stop()
                place.drain()
            place.until_done(name, patience=90)
            place.until("the note", lambda: not os.listdir(place.path("disk/state/jobs")))
        place.stop()
        place.says("gives no sign of life")
        place.is_in_order({"stalls": 0, "orphan": 1, "stopped": 0})
    finally:
        place.end()


@case
def clock_set(campaign):
    compiler = shutil.which("cc") or shutil.which("clang")
    if compiler is None:
        raise Skipped("there is no C compiler (apt-get install gcc)")
    place = Disk(campaign, "clock_set")
    clock, library = place.path("clock"), place.path("setclock.so")
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, os.path.join(os.path.dirname(os.path.realpath(__file__)), "setclock.c"), "-ldl"], check=True)

    def set_clock(offset):
        with open(clock + ".new", "w") as file:
            file.write(f"{offset}\n")
        os.rename(clock + ".new", clock)

    set_clock(0)
    try:
        place.start(environment={"LD_PRELOAD": library, "SET_CLOCK": clock})
        names = {}
        for number, offset in enumerate([-1, -400, 2, 0]):
            names[f"toys{number}"] = number % 2
            place.drop(f"toys{number}", number % 2)
            # While it settles, or while it runs.
            if number % 2:
                place.until("a worker", lambda: workers_of(place.path("disk/state")))
            set_clock(offset * 86_400)
            place.until_done(f"toys{number}", patience=30)
        place.until("the notes", lambda: not os.listdir(place.path("disk/state/jobs")))
        place.stop()
        place.is_in_order(names)
        if len(set(re.findall(r"^(\d{4}-\d\d-\d\d)T", place.log, re.M))) < 3:
            raise Wrong("the clock was never set; the test shows nothing")
    finally:
        place.end()


def main():
    parser = parser_of(__doc__)
    parser.add_argument("--sizes", type=int, default=24, help="at how many points the disk is full")
    options = parser.parse_args()
    with_mounts_of_its_own()
    return Campaign(options, "faults", STEPS).carry_out()


if __name__ == "__main__":
    sys.exit(main())
