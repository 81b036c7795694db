#!/usr/bin/env python3
"""Kills the daemon, its worker or both with SIGKILL at random moments, over a queue of small jobs, and looks at what is left.

    run.py PROGRAMS [--kills 200] [--seed N] [--seconds 270] [--keep DIR]

PROGRAMS is the folder of segmix and segmixd. Afterwards each job must have ended exactly once, its LoRA must be, bit for bit, that
of a run that nobody disturbed, and no temporary file, no half-made result and no process may be left. Needs Python's own library only.
Exit status: 0 all is well, 1 something is not, 77 fewer kills than asked for fitted into the time (all else was well).
"""

import argparse
import collections
import glob
import hashlib
import json
import os
import random
import re
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time

SPECIFICATION = """\
resolution: 64
max_train_steps: {steps}
gradient_accumulation_steps: 1
learning_rate: 1e-3
rank: 4
seed: {seed}
with_prior_preservation: true
num_class_images: 4
segmix_prob: 0.5
save_steps: 25
checkpointing_steps: 1
classes:
  a: toy robot
  b: dog
render:
  prompts:
    - a toy robot and a dog
  seeds: [1]
  steps: 2
"""

CONFIGURATION = """\
inbox: inbox
outbox: outbox
state: state
settle_seconds: 0.05
rescan_seconds: 0.2
min_free_space: 0
max_attempts: 1000
status_page: none
models:
  tiny: {{base: {model}}}
"""

# What is written under a hidden name until it is whole.
TEMPORARY = re.compile(r"(\.tmp|\.partial|\.copy|\.taking|\.removing|\.building)$")
SEEDS, STEPS = 3, 60


class Campaign:
    def __init__(self, programs, folder, seed):
        self.segmix, self.segmixd = os.path.join(programs, "segmix"), os.path.join(programs, "segmixd")
        self.folder, self.random = folder, random.Random(seed)
        self.daemon, self.dropped, self.seen = None, {}, {}
        self.kills = collections.Counter()
        self.faults = []

    def fault(self, text):
        self.faults.append(text)
        print("FAULT:", text, flush=True)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    # Before: a model, a job, and what undisturbed runs make of it.

    def prepare(self):
        model = self.path("model")
        subprocess.run([self.segmix, "make-model", model, "--preset", "tiny"], check=True, stdout=subprocess.DEVNULL)
        # The demonstration draws the photos.
        demo = self.path("demo")
        subprocess.run([self.segmix, "demo", "--output", demo, "--model", model, "--steps", "1"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        photos = glob.glob(demo + "/state/done/*/input/robot-and-dog")[0]
        with open(self.path("segmixd.yaml"), "w") as file:
            file.write(CONFIGURATION.format(model=model))
        for name in ["inbox", "outbox", "state", "jobs"]:
            os.mkdir(self.path(name))
        self.wanted = []
        for seed in range(SEEDS):
            job, output = self.path("jobs", str(seed)), self.path("undisturbed", str(seed))
            shutil.copytree(photos, job)
            with open(job + "/job.yaml", "w") as file:
                file.write(SPECIFICATION.format(seed=seed, steps=STEPS))
            began = time.monotonic()
            done = subprocess.run([self.segmix, "run", job, "--config", self.path("segmixd.yaml"), "--output", output], capture_output=True, text=True)
            if done.returncode != 0:
                sys.exit(f"The undisturbed run failed with status {done.returncode}:\n{done.stderr}")
            self.wanted.append(weights(output))
            print(f"undisturbed run {seed}: {time.monotonic() - began:.1f} s", flush=True)
        if len(set(self.wanted)) != SEEDS:
            sys.exit("Jobs of different seeds give the same LoRA; nothing could be told from comparing them.")
        shutil.rmtree(demo)

    def drop(self):
        number = len(self.dropped)
        name = f"job{number:03}"
        hidden = self.path(".drop")
        shutil.copytree(self.path("jobs", str(number % SEEDS)), hidden)
        os.rename(hidden, self.path("inbox", name))
        self.dropped[name] = number % SEEDS

    # The processes.

    def start(self):
        self.log = open(self.path("daemon.log"), "ab")
        self.daemon = subprocess.Popen([self.segmixd, "--config", self.path("segmixd.yaml")], stdout=self.log, stderr=self.log)

    def workers(self):
        """Processes of this state directory, by the variable that the daemon gives them."""
        mark, found = f"SEGMIXD_STATE={self.path('state')}".encode(), []
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                try:
                    with open(f"/proc/{entry}/environ", "rb") as file:
                        if mark in file.read().split(b"\0"):
                            found.append(int(entry))
                except OSError:
                    pass
        return found

    def kill(self):
        if self.daemon.poll() is not None:
            self.fault(f"the daemon ended by itself with status {self.daemon.returncode}")
            return self.start()
        victim = self.random.choice(["daemon", "daemon", "worker", "both", "both"])
        workers = self.workers() if victim != "daemon" else []
        if victim == "worker" and not workers:
            victim = "daemon"
        for pid in workers:
            try:
                os.kill(pid, signal.SIGKILL)
                self.kills["worker"] += 1
            except ProcessLookupError:
                pass
        if victim == "worker":
            return
        self.daemon.kill()
        self.daemon.wait()
        self.log.close()
        self.kills["daemon"] += 1
        self.look()
        self.start()

    # What may be seen at any moment.

    def look(self):
        for name in os.listdir(self.path("outbox")):
            if name.startswith("."):
                continue
            place = self.path("outbox", name)
            if name not in self.dropped:
                self.fault(f"{name} in the outbox is none of the jobs" + text_of(place + "/error.txt"))
                self.dropped[name] = None
            if self.dropped[name] is None:
                continue
            missing = [file for file in ["report.json", "report.html", "metrics.jsonl", "pytorch_lora_weights.safetensors"] if not os.path.exists(f"{place}/{file}")]
            if missing:
                self.fault(f"{name} is visible in the outbox without {', '.join(missing)}")
                continue
            # Published a second time it would be another folder.
            identity = (os.stat(place).st_ino, os.stat(place + "/report.json").st_mtime_ns)
            if self.seen.setdefault(name, identity) != identity:
                self.fault(f"{name} was published twice")

    def run(self, kills, seconds):
        end = time.monotonic() + seconds
        self.drop()
        self.start()
        while sum(self.kills.values()) < kills and time.monotonic() < end:
            while len(self.dropped) - len(self.seen) < 3:
                self.drop()
            # Often right after the start, often in the middle of the work.
            time.sleep(self.random.choice([self.random.uniform(0, 0.3), self.random.uniform(0.2, 1.5), self.random.uniform(1, 3)]))
            self.kill()
            self.look()
        self.daemon.kill()
        self.daemon.wait()
        self.log.close()
        self.kills["daemon"] += 1

    def finish(self):
        with open(self.path("daemon.log"), "ab") as log:
            try:
                status = subprocess.run([self.segmixd, "--config", self.path("segmixd.yaml"), "--drain"], stdout=log, stderr=log, timeout=300).returncode
            except subprocess.TimeoutExpired:
                return self.fault("the queue was not empty five minutes after the last kill")
        if status != 0:
            self.fault(f"the drain after the last kill ended with status {status}")
        self.look()
        jobs = [name for name, seed in self.dropped.items() if seed is not None]
        for name in jobs:
            place = self.path("outbox", name)
            if name not in self.seen:
                self.fault(f"{name} was lost" + text_of(place + ".failed/error.txt"))
            elif weights(place) != self.wanted[self.dropped[name]]:
                self.fault(f"the LoRA of {name} is not that of the undisturbed run")
            elif steps(place) != list(range(1, STEPS + 1)):
                self.fault(f"metrics.jsonl of {name} has the steps {steps(place)}, not each of 1 to {STEPS} once")
        self.look_at_queue(jobs)
        for name in os.listdir(self.path("inbox")) + os.listdir(self.path("state/jobs")):
            self.fault(f"{name} is left in the inbox or among the open jobs")
        for place in ["inbox", "outbox", "state"]:
            for folder, folders, files in os.walk(self.path(place)):
                for name in folders + files:
                    if TEMPORARY.search(name):
                        self.fault(f"{os.path.join(folder, name)} is left")
        for name in os.listdir(self.path("outbox")):
            if name.startswith("."):
                self.fault(f"{name} is left in the outbox")
        for pid in self.workers():
            self.fault(f"process {pid} is left")

    def look_at_queue(self, jobs):
        """The queue's own account: each folder once, done once."""
        with sqlite3.connect(self.path("state/queue.sqlite")) as database:
            rows = database.execute("SELECT folder.name, job.state, folder.state FROM job JOIN folder ON folder.id = job.folder").fetchall()
            if sorted(rows) != sorted((name, "done", "closed") for name in jobs):
                self.fault(f"the queue has {rows}")
            twice = "SELECT folder.name FROM event JOIN job ON job.number = event.job JOIN folder ON folder.id = job.folder WHERE event.text LIKE 'published: %' GROUP BY job.number HAVING count(*) <> 1"
            for (name,) in database.execute(twice):
                self.fault(f"{name} was published more than once")
            self.starts = database.execute("SELECT count(*) FROM attempt").fetchone()[0]
            published = database.execute("SELECT count(*) FROM event WHERE text LIKE 'published: %'").fetchone()[0]
            if published != len(jobs):
                self.fault(f"{published} publications for {len(jobs)} jobs")
        if len(os.listdir(self.path("state/done"))) != len(jobs):
            self.fault("the state directory's `done` has another number of folders than there were jobs")


def weights(folder):
    """The digest of all tensors of a LoRA: names, types, shapes and bytes, without what the file says about itself."""
    digest = hashlib.sha256()
    with open(folder + "/pytorch_lora_weights.safetensors", "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        header.pop("__metadata__", None)
        digest.update(json.dumps(header, sort_keys=True).encode())
        digest.update(file.read())
    return digest.hexdigest()


def steps(folder):
    with open(folder + "/metrics.jsonl") as file:
        return [line["step"] for line in map(json.loads, file) if "step" in line]


def text_of(path):
    try:
        with open(path) as file:
            return ":\n" + file.read()
    except OSError:
        return ""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("programs")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=None, help="repeats the choice of victims and pauses (not the machine's own timing)")
    parser.add_argument("--seconds", type=float, default=270, help="no more kills after that")
    parser.add_argument("--keep", help="work in this new folder and leave it")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 32)
    folder = os.path.realpath(options.keep or tempfile.mkdtemp(prefix="segmix-crash-"))
    os.makedirs(folder, exist_ok=True)
    campaign = Campaign(os.path.realpath(options.programs), folder, seed)
    print(f"seed {seed}, in {folder}", flush=True)
    try:
        campaign.prepare()
        began = time.monotonic()
        campaign.run(options.kills, options.seconds)
        campaign.finish()
    finally:
        if campaign.daemon is not None and campaign.daemon.poll() is None:
            campaign.daemon.kill()
        for pid in campaign.workers():
            os.kill(pid, signal.SIGKILL)
    kills = sum(campaign.kills.values())
    print(f"{kills} kills ({campaign.kills['daemon']} of the daemon, {campaign.kills['worker']} of workers) in {time.monotonic() - began:.0f} s; "
          f"{len(campaign.seen)} jobs, {getattr(campaign, 'starts', 0)} starts of workers; {len(campaign.faults)} faults", flush=True)
    if campaign.faults:
        print(f"Everything is left in {folder}; --seed {seed}")
        return 1
    if not options.keep:
        shutil.rmtree(folder)
    return 0 if kills >= options.kills else 77


if __name__ == "__main__":
    sys.exit(main())
