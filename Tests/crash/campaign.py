"""What a campaign of cases is made of: a daemon in a place of its own, and cases that are carried out one after the other. Needs Python's
own library only."""

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from tiny import Jobs, text_of, workers_of

CASES = {}


class Wrong(Exception):
    pass


class Skipped(Exception):
    pass


def case(function):
    CASES[function.__name__] = function
    return function


def needs_mounts():
    if os.geteuid() != 0 or not os.environ.get("SEGMIX_FAULTS_MAY_MOUNT"):
        raise Skipped("only root can mount file systems of its own")


def with_mounts_of_its_own():
    """Starts this program again as root of its own mounts: what is mounted goes with the process, whatever happens."""
    if os.geteuid() == 0 and not os.environ.get("SEGMIX_FAULTS_MAY_MOUNT"):
        if subprocess.run(["unshare", "-m", "true"], stderr=subprocess.DEVNULL).returncode == 0:
            os.environ["SEGMIX_FAULTS_MAY_MOUNT"] = "1"
            os.execvp("unshare", ["unshare", "-m", sys.executable, *sys.argv])


class Place:
    """A folder with a daemon: its configuration and what it works with."""

    def __init__(self, campaign, name):
        self.campaign, self.jobs = campaign, campaign.jobs
        self.folder = os.path.join(campaign.folder, name)
        self.daemon = None

    def path(self, *names):
        return os.path.join(self.folder, *names)

    @property
    def log(self):
        return text_of(self.path("daemon.log"))

    def start(self, *arguments, before=(), environment=None):
        with open(self.path("daemon.log"), "ab") as log:
            self.daemon = subprocess.Popen(
                [*before, self.campaign.segmixd, "--config", self.path("segmixd.yaml"), *arguments], stdout=log, stderr=log,
                env={**os.environ, **(environment or {})})

    def stop(self, patience=20):
        """Asks the daemon to end; it must."""
        if self.daemon.poll() is None:
            self.daemon.terminate()
            try:
                self.daemon.wait(patience)
            except subprocess.TimeoutExpired:
                self.end()
                raise Wrong(f"asked to stop, the daemon was still there {patience} s later")
        return self.daemon.returncode

    def end(self):
        if self.daemon is not None and self.daemon.poll() is None:
            self.daemon.kill()
            self.daemon.wait()
        for pid in workers_of(self.state):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def until(self, what, condition, patience=60):
        end = time.monotonic() + patience
        while not condition():
            if time.monotonic() > end:
                raise Wrong(f"never came: {what}")
            time.sleep(0.02)

    def says(self, *patterns):
        for pattern in patterns:
            if not re.search(pattern, self.log):
                raise Wrong(f"nothing in the log says /{pattern}/")


class Campaign:
    def __init__(self, options, name, steps, photos=None):
        self.options = options
        self.segmix, self.segmixd = (os.path.join(os.path.realpath(options.programs), program) for program in ("segmix", "segmixd"))
        self.folder = os.path.realpath(options.keep or tempfile.mkdtemp(prefix=f"segmix-{name}-"))
        os.makedirs(self.folder + "/tiny")
        self.jobs = Jobs(self.segmix, self.folder + "/tiny", 2, steps, photos)

    def carry_out(self):
        """The exit status."""
        wrong, names = [], self.options.cases.split(",")
        for name in names:
            began = time.monotonic()
            try:
                said = CASES[name](self)
                print(f"ok      {name} ({time.monotonic() - began:.0f} s){': ' + said if said else ''}", flush=True)
            except Skipped as reason:
                print(f"SKIPPED {name}: {reason}", flush=True)
            except Wrong as fault:
                wrong.append(name)
                print(f"WRONG   {name}: {fault}", flush=True)
        if wrong:
            print(f"{len(wrong)} of {len(names)} cases are wrong ({', '.join(wrong)}); everything is left in {self.folder}")
            return 1
        if not self.options.keep:
            shutil.rmtree(self.folder)
        return 0


def parser_of(documentation):
    """The arguments that all campaigns of cases take."""
    parser = argparse.ArgumentParser(description=documentation.splitlines()[0])
    parser.add_argument("programs")
    parser.add_argument("--cases", default=",".join(CASES), help="some of: " + ", ".join(CASES))
    parser.add_argument("--keep", help="work in this new folder and do not remove it")
    return parser
