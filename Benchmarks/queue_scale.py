#!/usr/bin/env python3
"""What the queue itself costs: segmixd with a worker that does next to nothing, and many folders.

    queue_scale.py --segmixd .build-release/release/segmixd [--jobs 1000] [--standing 10000] [--idle 20] [--limits]

Part 1, jobs. So many folders of a dozen small files each are dropped at once (renamed into the inbox, one after the other, as fast as
that goes). The worker is a shell script that writes two files. What is told: seconds from the first drop until all results are in
the outbox, less `settle_seconds`; the same script started as often without a queue; the difference by job, which is what claiming,
scheduling, supervising, and publishing with every fsync take; then, with the whole history in the queue, how long the page's
requests take and what the daemon takes while it is idle (resident memory, share of one core).

Part 2, standing folders. So many folders lie in the inbox and are not to be taken (`.lock`): how long one look through all of them
takes (processor time of the daemon between two looks), resident memory. Then one folder more is dropped among them: seconds until its
result is there, less `settle_seconds`.

--limits holds the figures to: 100 ms by job, 60 MiB and 1 % of a core when idle; exit status 1 where one is missed.
"""
import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

WORKER = """#!/bin/sh
while [ $# -gt 0 ]; do case "$1" in --output) output=$2;; esac; shift; done
mkdir -p "$output/samples"
echo lora > "$output/pytorch_lora_weights.safetensors"
echo '{"step":1,"loss":0.5}' > "$output/metrics.jsonl"
echo '{"phase": "train", "step": 1, "total": 1, "loss": 0.5}'
"""
TICK = os.sysconf("SC_CLK_TCK")


class Daemon:
    """segmixd beside a worker of our own, over a fresh inbox."""

    def __init__(self, program, folder, settings):
        self.folder = folder
        os.makedirs(folder + "/bin")
        self.program = shutil.copy(program, folder + "/bin/segmixd")
        with open(folder + "/bin/segmix", "w") as file:
            file.write(WORKER)
        os.chmod(folder + "/bin/segmix", 0o755)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        for name in ("inbox", "outbox", "hidden"):
            os.mkdir(f"{folder}/{name}")
        values = {"inbox": "inbox", "outbox": "outbox", "state": "state", "min_free_space": "1 MiB", "status_page": f"127.0.0.1:{self.port}"}
        with open(folder + "/segmixd.yaml", "w") as file:
            file.writelines(f"{key}: {value}\n" for key, value in {**values, **settings}.items())

    def start(self):
        self.log = open(self.folder + "/log", "a")
        self.process = subprocess.Popen([self.program, "--config", self.folder + "/segmixd.yaml"], stderr=self.log, stdout=self.log)
        self.until(lambda: self.ask("status"), 30)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)

    def until(self, condition, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                if condition():
                    return
            except OSError:
                pass
            if self.process.poll() is not None:
                sys.exit(f"segmixd has ended with {self.process.returncode}; see {self.folder}/log")
            time.sleep(0.05)
        sys.exit(f"nothing after {seconds} s; see {self.folder}/log")

    def ask(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v1/{path}", timeout=30) as answer:
            return json.load(answer)

    def seconds(self, path):
        begin = time.monotonic()
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=60) as answer:
            size = len(answer.read())
        return round(time.monotonic() - begin, 3), size

    def processor(self):
        """Seconds of processor time so far, without the workers'."""
        with open(f"/proc/{self.process.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def memory(self, key):
        """MiB, from /proc/PID/status."""
        with open(f"/proc/{self.process.pid}/status") as file:
            return next(int(line.split()[1]) / 1024 for line in file if line.startswith(key + ":"))

    def make(self, name, locked=False):
        """A folder beside the inbox that looks like a job."""
        path = f"{self.folder}/hidden/{name}"
        os.mkdir(path)
        texts = {"metadata.jsonl": '{"id": {"a": "olis toy"}}\n', "job.yaml": "max_train_steps: 1\n"}
        if locked:
            texts[".lock"] = ""
        for file, text in {**texts, **{f"a{i:02}.jpg": f"{name} {i}" for i in range(10)}}.items():
            with open(f"{path}/{file}", "w") as output:
                output.write(text)
        return path

    def drop(self, names, locked=False):
        paths = [self.make(name, locked) for name in names]
        begin = time.monotonic()
        for name, path in zip(names, paths):
            os.rename(path, f"{self.folder}/inbox/{name}")
        return begin


def measure_jobs(daemon, count, settle, idle):
    daemon.start()
    before = round(daemon.memory("VmRSS"), 1)
    begin = daemon.drop([f"toys-{i:05}" for i in range(count)])
    outbox = daemon.folder + "/outbox"
    daemon.until(lambda: sum(not name.startswith(".") for name in os.listdir(outbox)) == count, 60 + count)
    whole = time.monotonic() - begin - settle
    daemon.until(lambda: not daemon.ask("status")["counts"]["running"], 30)
    busy = daemon.processor()

    begin = time.monotonic()
    for i in range(min(count, 200)):
        subprocess.run([daemon.folder + "/bin/segmix", "run", "--output", f"{daemon.folder}/bare/{i}"], stdout=subprocess.DEVNULL, check=True)
    bare = (time.monotonic() - begin) / min(count, 200)

    result = {
        "jobs": count, "seconds": round(whole, 1), "ms_by_job": round(1000 * whole / count, 1), "bare_worker_ms": round(1000 * bare, 1),
        "overhead_ms_by_job": round(1000 * (whole / count - bare), 1), "processor_ms_by_job": round(1000 * busy / count, 1),
        "started_mib": before, "peak_mib": round(daemon.memory("VmHWM"), 1),
        "requests": {path: daemon.seconds(path) for path in ("/", "/api/v1/jobs?ended=50", "/api/v1/jobs?ended=100000", "/metrics")},
    }
    time.sleep(5)
    busy, begin = daemon.processor(), time.monotonic()
    time.sleep(idle)
    result["idle_percent"] = round(100 * (daemon.processor() - busy) / (time.monotonic() - begin), 2)
    result["idle_mib"] = round(daemon.memory("VmRSS"), 1)
    daemon.stop()
    return result


def measure_standing(daemon, count, settle, rescan):
    daemon.drop([f"toys-{i:05}" for i in range(count)], locked=True)
    daemon.start()
    time.sleep(2 * rescan)
    busy, begin = daemon.processor(), time.monotonic()
    time.sleep(4 * rescan)
    share = (daemon.processor() - busy) / (time.monotonic() - begin)
    result = {"folders": count, "processor_seconds_by_look": round(share * rescan, 2), "peak_mib": round(daemon.memory("VmHWM"), 1)}
    begin = daemon.drop(["one-more"])
    daemon.until(lambda: os.path.exists(daemon.folder + "/outbox/one-more"), 120)
    result["one_more_seconds"] = round(time.monotonic() - begin - settle, 1)
    result["mib"] = round(daemon.memory("VmRSS"), 1)
    daemon.stop()
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--segmixd", required=True)
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--standing", type=int, default=10000)
    parser.add_argument("--idle", type=float, default=20)
    parser.add_argument("--limits", action="store_true")
    parser.add_argument("--keep", action="store_true", help="leave the folders where they are")
    options = parser.parse_args()
    base = tempfile.mkdtemp(prefix="segmixd-scale-")
    results = {}
    try:
        if options.jobs:
            results["jobs"] = measure_jobs(Daemon(options.segmixd, base + "/jobs", {"settle_seconds": 1}), options.jobs, 1, options.idle)
            print(json.dumps(results["jobs"]), flush=True)
        if options.standing:
            settings = {"settle_seconds": 1, "rescan_seconds": 5}
            results["standing"] = measure_standing(Daemon(options.segmixd, base + "/standing", settings), options.standing, 1, 5)
            print(json.dumps(results["standing"]), flush=True)
    finally:
        if options.keep:
            print(base)
        else:
            shutil.rmtree(base, ignore_errors=True)
    if options.limits:
        bounds = {"overhead_ms_by_job": 100, "idle_mib": 60, "idle_percent": 1, "mib": 60}
        missed = [f"{key} is {value}, more than {bounds[key]}" for part in results.values() for key, value in part.items() if key in bounds and value > bounds[key]]
        print("\n".join(missed) or "All figures are within their limits.")
        sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
