#!/usr/bin/env python3
"""Kills the daemon, its workers or both with SIGKILL at random moments, over a queue of small jobs, and looks at what is left.

    run.py PROGRAMS [--kills 200] [--seed N] [--seconds 300] [--across auto|yes|no] [--keep DIR]

PROGRAMS is the folder of segmix and segmixd. Most folders hold one job, some two, and some a photo that cannot be read. At every moment
what is visible in the outbox must be whole, and no more workers alive than there may be. Afterwards each job must have ended exactly
once, its LoRA must be, bit for bit, that of a run that nobody disturbed, each bad folder must be in the outbox with its reason and its
photos, and no temporary file, no half-made result and no process may be left. Needs Python's own library only.
Exit status: 0 all is well, 1 something is not, 77 fewer kills than asked for fitted into the time (all else was well).
"""

import argparse
import collections
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

from tiny import Jobs, text_of, workers_of

CONFIGURATION = """\
inbox: {inbox}
outbox: outbox
state: state
settle_seconds: 0.05
rescan_seconds: 0.2
min_free_space: 0
max_attempts: 1000
workers: {workers}
status_page: none
models:
  tiny: {{base: {model}}}
"""

# What is written under a hidden name until it is whole.
TEMPORARY = re.compile(r"(\.tmp|\.partial|\.copy|\.moved|\.leaving|\.taking|\.removing|\.building)$")
SEEDS, STEPS = 3, 60


class Campaign:
    def __init__(self, programs, folder, seed, across):
        self.segmix, self.segmixd = os.path.join(programs, "segmix"), os.path.join(programs, "segmixd")
        self.folder, self.random = folder, random.Random(seed)
        self.daemon, self.dropped, self.seen = None, {}, {}
        self.kills, self.starts = collections.Counter(), 0
        self.faults, self.lock = [], threading.Lock()
        # From another file system folders are copied, not renamed.
        away = self.random.random() < 0.5
        self.across = across == "yes" or (across == "auto" and away and can_hold_the_inbox("/dev/shm", folder))
        self.inbox = tempfile.mkdtemp(prefix="segmix-inbox-", dir="/dev/shm") if self.across else self.path("inbox")
        self.workers = self.random.choice([1, 2])

    def fault(self, text):
        with self.lock:
            if text not in self.faults:
                self.faults.append(text)
                print("FAULT:", text, flush=True)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def prepare(self):
        self.jobs = Jobs(self.segmix, self.folder, SEEDS, STEPS)
        with open(self.path("segmixd.yaml"), "w") as file:
            file.write(CONFIGURATION.format(inbox=self.inbox, workers=self.workers, model=self.jobs.model))
        for place in [self.inbox, self.path("outbox"), self.path("state")]:
            os.makedirs(place, exist_ok=True)

    def drop(self):
        """One more folder: its name, and the seeds of its specifications; None: it cannot be done."""
        number = len(self.dropped)
        name, seed = f"job{number:03}", number % SEEDS
        hidden = os.path.join(self.inbox, ".drop")
        specifications = {"job.yaml": seed}
        if number % 7 == 5:
            specifications = {"one.yaml": seed, "two.yaml": (seed + 1) % SEEDS}
        self.jobs.write(hidden, specifications)
        if number % 7 == 3:
            photo = sorted(file for file in os.listdir(hidden) if file.endswith((".jpg", ".jpeg", ".png")) and "mask" not in file)[0]
            os.truncate(os.path.join(hidden, photo), 300)
            specifications = None
        with self.lock:
            self.dropped[name] = specifications
        os.rename(hidden, os.path.join(self.inbox, name))

    # The processes.

    def start(self):
        log = open(self.path("daemon.log"), "ab")
        self.daemon = subprocess.Popen([self.segmixd, "--config", self.path("segmixd.yaml")], stdout=log, stderr=log)
        log.close()

    def kill(self):
        if self.daemon.poll() is not None:
            self.fault(f"the daemon ended by itself with status {self.daemon.returncode}")
            return self.start()
        victim = self.random.choice(["daemon", "daemon", "worker", "both", "both"])
        workers = workers_of(self.path("state")) if victim != "daemon" else []
        if victim == "worker" and not workers:
            victim = "daemon"
        for pid in workers:
            try:
                os.kill(pid, signal.SIGKILL)
                self.kills["worker"] += 1
            except ProcessLookupError:
                pass
        if victim != "worker":
            self.kill_daemon()
            self.start()

    def kill_daemon(self):
        self.daemon.kill()
        self.daemon.wait()
        self.kills["daemon"] += 1

    # What may be seen at any moment.

    def watch(self, stop):
        while not stop.wait(0.01):
            try:
                self.look()
            except FileNotFoundError:
                pass  # it went between two looks
            except Exception as error:
                return self.fault(f"nobody looks any more: {error!r}")

    def look(self):
        # Looked at twice: between the two a process may have been forked and not yet be another program.
        alive = set(workers_of(self.path("state")))
        if len(alive) > self.workers and len(alive & set(workers_of(self.path("state")))) > self.workers:
            self.fault(f"{len(alive)} workers at once, and {self.workers} may be")
        for name in os.listdir(self.path("outbox")):
            if name.startswith("."):
                continue
            place, base = self.path("outbox", name), name.removesuffix(".failed")
            with self.lock:
                known, specifications = base in self.dropped, self.dropped.get(base)
            if not known or (name != base) != (specifications is None):
                self.fault(f"{name} in the outbox is none of the jobs' ends:\n" + text_of(place + "/error.txt"))
                continue
            if specifications is None:
                parts = {name: ["error.txt", "input", "job.log"]}
            elif len(specifications) == 1:
                parts = {name: ["report.json", "report.html", "metrics.jsonl", "pytorch_lora_weights.safetensors", "job.log"]}
            else:
                parts = {f"{name}/{part}": ["report.json", "job.log"] for part in os.listdir(place) if not part.startswith(".")}
            for part, files in parts.items():
                missing = [file for file in files if not os.path.exists(self.path("outbox", part, file))]
                if missing:
                    self.fault(f"{part} is visible in the outbox without {', '.join(missing)}")
                    continue
                # Published a second time it would be another folder.
                identity = os.stat(self.path("outbox", part)).st_ino
                if self.seen.setdefault(part, identity) != identity:
                    self.fault(f"{part} was published twice")

    def open_folders(self):
        with self.lock:
            names = list(self.dropped)
        return sum(not os.path.exists(self.path("outbox", name)) and not os.path.exists(self.path("outbox", name + ".failed")) for name in names)

    def run(self, kills, seconds):
        end = time.monotonic() + seconds
        self.drop()
        self.start()
        stop = threading.Event()
        watcher = threading.Thread(target=self.watch, args=(stop,))
        watcher.start()
        try:
            while sum(self.kills.values()) < kills and time.monotonic() < end:
                while self.open_folders() < 3:
                    self.drop()
                # Often right after the start, often in the middle of the work.
                time.sleep(self.random.choice([self.random.uniform(0, 0.3), self.random.uniform(0.2, 1.2), self.random.uniform(0.8, 2)]))
                self.kill()
            self.kill_daemon()
            self.finish()
        finally:
            stop.set()
            watcher.join()

    # Afterwards.

    def finish(self):
        with open(self.path("daemon.log"), "ab") as log:
            try:
                status = subprocess.run([self.segmixd, "--config", self.path("segmixd.yaml"), "--drain"], stdout=log, stderr=log, timeout=300).returncode
            except subprocess.TimeoutExpired:
                return self.fault("the queue was not empty five minutes after the last kill")
        if status not in (0, 1):
            self.fault(f"the drain after the last kill ended with status {status}")
        for name, specifications in self.dropped.items():
            place = self.path("outbox", name)
            if specifications is None:
                self.look_at_failure(name, place + ".failed")
                continue
            for file, seed in specifications.items():
                part = place if len(specifications) == 1 else place + "/" + file.removesuffix(".yaml")
                if not os.path.exists(part):
                    self.fault(f"{os.path.relpath(part, self.path('outbox'))} was lost:\n" + text_of(place + ".failed/error.txt"))
                elif fault := self.jobs.fault(part, seed, name):
                    self.fault(f"{os.path.relpath(part, self.path('outbox'))} {fault}")
        self.look_at_queue()
        self.look_for_leftovers()

    def look_at_failure(self, name, place):
        if not os.path.exists(place):
            return self.fault(f"{name}, which cannot be done, is not in the outbox")
        if sorted(os.listdir(place + "/input")) != sorted(os.listdir(self.jobs.photos) + ["job.yaml"]):
            self.fault(f"{name}.failed has not the whole input")
        if len(text_of(place + "/error.txt")) < 40:
            self.fault(f"{name}.failed does not say why: {text_of(place + '/error.txt')}")

    def look_at_queue(self):
        """The queue's own account: each folder once, each job ended once."""
        wanted = []
        for name, specifications in self.dropped.items():
            wanted += [(name, "failed" if specifications is None else "done", "closed") for _ in specifications or [0]]
        with sqlite3.connect(self.path("state/queue.sqlite")) as database:
            rows = database.execute("SELECT folder.name, job.state, folder.state FROM job JOIN folder ON folder.id = job.folder").fetchall()
            if sorted(rows) != sorted(wanted):
                self.fault(f"the queue has {sorted(set(rows) ^ set(wanted))} too few or too many")
            for event in ["published", "failed"]:
                ends = dict(database.execute("SELECT job, count(*) FROM event WHERE text = ?1 OR text LIKE ?1 || ':%' GROUP BY job", (event,)).fetchall())
                number = sum(row[1] == {"published": "done", "failed": "failed"}[event] for row in wanted)
                if len(ends) != number or set(ends.values()) - {1}:
                    self.fault(f"{number} jobs were to be {event} once, and the events say {ends}")
            if database.execute("SELECT count(*) FROM attempt WHERE ended IS NULL").fetchone()[0]:
                self.fault("attempts without an end are left")
            self.starts = database.execute("SELECT count(*) FROM attempt").fetchone()[0]
        if len(os.listdir(self.path("state/done"))) != len(self.dropped):
            self.fault("the state directory's `done` has another number of folders than were dropped")

    def look_for_leftovers(self):
        for name in os.listdir(self.inbox) + os.listdir(self.path("state/jobs")):
            self.fault(f"{name} is left in the inbox or among the open jobs")
        for place in [self.inbox, self.path("outbox"), self.path("state")]:
            for folder, folders, files in os.walk(place):
                for name in folders + files:
                    if TEMPORARY.search(name):
                        self.fault(f"{os.path.join(folder, name)} is left")
        for name in os.listdir(self.path("outbox")):
            if name.startswith("."):
                self.fault(f"{name} is left in the outbox")
        for pid in workers_of(self.path("state")):
            self.fault(f"process {pid} is left")


def can_hold_the_inbox(place, folder):
    return os.access(place, os.W_OK) and os.stat(place).st_dev != os.stat(folder).st_dev


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("programs")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=None, help="repeats the choices of victims, pauses and settings (not the machine's own timing)")
    parser.add_argument("--seconds", type=float, default=300, help="no more kills after that")
    parser.add_argument("--across", choices=["auto", "yes", "no"], default="auto", help="the inbox on another file system than the state; auto: the seed decides")
    parser.add_argument("--keep", help="work in this new folder and leave it")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 32)
    folder = os.path.realpath(options.keep or tempfile.mkdtemp(prefix="segmix-crash-"))
    os.makedirs(folder, exist_ok=True)
    campaign = Campaign(os.path.realpath(options.programs), folder, seed, options.across)
    print(f"seed {seed}, in {folder}, the inbox {'on another file system' if campaign.across else 'on the same file system'}, "
          f"{campaign.workers} at once", flush=True)
    try:
        campaign.prepare()
        began = time.monotonic()
        campaign.run(options.kills, options.seconds)
    finally:
        if campaign.daemon is not None and campaign.daemon.poll() is None:
            campaign.daemon.kill()
        for pid in workers_of(campaign.path("state")):
            os.kill(pid, signal.SIGKILL)
        if campaign.across and not campaign.faults:
            shutil.rmtree(campaign.inbox, ignore_errors=True)
    kills = sum(campaign.kills.values())
    print(f"{kills} kills ({campaign.kills['daemon']} of the daemon, {campaign.kills['worker']} of workers) in {time.monotonic() - began:.0f} s; "
          f"{len(campaign.dropped)} folders, {campaign.starts} starts of workers; {len(campaign.faults)} faults", flush=True)
    if campaign.faults:
        print(f"Everything is left in {folder}{' and ' + campaign.inbox if campaign.across else ''}; --seed {seed}")
        return 1
    if not options.keep:
        shutil.rmtree(folder)
    return 0 if kills >= options.kills else 77


if __name__ == "__main__":
    sys.exit(main())
