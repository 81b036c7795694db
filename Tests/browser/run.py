#!/usr/bin/env python3
"""The status page in a real browser, over a real segmixd whose worker only pretends: run.py SEGMIXD [--pictures DIR]

Exit status: 0 all is well, 1 something is not, 77 skipped because there is no chromium.
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
import urllib.error
import urllib.request

from chromium import Chromium, program

HERE = os.path.dirname(os.path.abspath(__file__))
TOKEN = "a secret word of the studio"
SIZES = (("phone", 390, 844), ("desk", 1280, 900))
LONG = "a-name-without-a-blank-" + "x" * 170
ODD = "Fest mit <b>Ümlauten<i> & \"quotes\" 'n #%2f?"


class Studio:
    """segmixd over an inbox of its own."""

    def __init__(self, segmixd):
        self.folder = tempfile.mkdtemp(prefix="segmixd-browser-")
        os.mkdir(self.folder + "/bin")
        shutil.copy(segmixd, self.folder + "/bin/segmixd")
        with open(self.folder + "/bin/segmix", "w") as file:
            file.write(f'#!/bin/sh\nexec {sys.executable} {HERE}/worker.py "$@"\n')
        os.chmod(self.folder + "/bin/segmix", 0o755)
        for name in ("inbox", "outbox", "hidden"):
            os.mkdir(f"{self.folder}/{name}")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.url = f"http://127.0.0.1:{probe.getsockname()[1]}"
        with open(self.folder + "/segmixd.yaml", "w") as file:
            file.write(f"inbox: inbox\noutbox: outbox\nstate: state\nsettle_seconds: 0\nmin_free_space: 1 MiB\nstatus_page: {self.url[7:]}\nstatus_token: {TOKEN}\n")
        self.start()

    def start(self):
        with open(self.folder + "/log", "a") as log:
            self.process = subprocess.Popen([self.folder + "/bin/segmixd", "--config", self.folder + "/segmixd.yaml"], stdout=log, stderr=log)
        self.until(lambda: self.ask("status"))

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)

    def close(self):
        self.stop()
        shutil.rmtree(self.folder)

    def drop(self, name, is_job=True):
        path = self.folder + "/hidden/folder"
        os.mkdir(path)
        for file in ("a.jpg", "job.yaml") + (("metadata.jsonl",) if is_job else ()):
            with open(f"{path}/{file}", "w") as output:
                output.write("{}" if file.endswith("l") else "photo")
        os.rename(path, f"{self.folder}/inbox/{name}")

    def ask(self, path):
        with urllib.request.urlopen(f"{self.url}/api/v1/{path}", timeout=30) as answer:
            return json.load(answer)

    def job(self, name):
        return next(job for job in self.ask("jobs?ended=100000") if job["name"] == name)

    def counts(self):
        return self.ask("status")["counts"]

    def until(self, condition, seconds=60):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                if condition():
                    return
            except (OSError, StopIteration):
                pass
            time.sleep(0.1)
        with open(self.folder + "/log") as log:
            sys.exit("never came true; segmixd says:\n" + "".join(log.readlines()[-20:]))


class Checks:
    def __init__(self):
        self.failed = 0

    def __call__(self, what, holds, found=None):
        print(f"{'ok' if holds else 'FAILED'}: {what}" + ("" if holds or found is None else f": {found}"), flush=True)
        self.failed += not holds


def look(check, browser, what, pictures):
    """Nothing sticks out on either side, on a phone and on a desk."""
    for size, width, height in SIZES:
        browser.size(width, height, size == "phone")
        browser.rest(0.3)
        wide = browser.value("document.documentElement.scrollWidth")
        out = browser.value("[...document.body.querySelectorAll('*')].filter(e => e.getBoundingClientRect().right > innerWidth + 1).map(e => e.nodeName + '.' + e.className).slice(0, 5)")
        check(f"{what} fits on the {size}", wide <= width and not out, (wide, out))
        if pictures:
            browser.picture(f"{pictures}/{what.replace(' ', '-')}-{width}.png")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("segmixd")
    parser.add_argument("--pictures", help="a folder for pictures of what is seen")
    options = parser.parse_args()
    if not program():
        print("SKIPPED: there is no chromium here (apt-get install chromium, or name one in CHROMIUM)")
        sys.exit(77)
    if options.pictures:
        os.makedirs(options.pictures, exist_ok=True)
    check, studio, browser = Checks(), Studio(options.segmixd), Chromium()
    try:
        walk(check, studio, browser, options.pictures)
    finally:
        browser.close()
        studio.close()
    print("All is well." if not check.failed else f"{check.failed} failed.")
    sys.exit(1 if check.failed else 0)


def walk(check, studio, browser, pictures):
    text = "document.getElementById('main').innerText"
    browser.open(studio.url)
    browser.until(f"{text}.includes('No jobs')")
    check("an empty queue says so", True)

    # Without reloading from here on.
    browser.value("window.stays = 1")
    studio.drop("corgi-and-toy")
    studio.drop("bad-photo")
    studio.drop(ODD)
    studio.drop(LONG, is_job=False)
    studio.until(lambda: studio.counts()["done"] == 2 and studio.counts()["failed"] == 2)
    studio.drop("long-training")
    studio.until(lambda: studio.counts()["running"] == 1)
    for i in range(3):
        studio.drop(f"later-{i}")
    browser.until(f"{text}.includes('Waiting (3)') && {text}.includes('Ended (4)')")
    check("jobs come up by themselves", browser.value("window.stays") == 1)
    check("names are text, not markup", browser.value(f"{text}.includes({json.dumps(ODD)}) && !document.querySelector('main b, main i')"))
    browser.until("document.querySelector('progress')")
    first = browser.value("document.querySelector('progress').value")
    browser.until(f"document.querySelector('progress').value > {first}")
    browser.until("document.querySelector('.card img') && document.querySelector('.card img').naturalWidth > 0")
    browser.until("document.querySelector('polyline')")
    check("step, curve and picture of what runs are there", True)
    look(check, browser, "the list", pictures)

    long, bad, good = (studio.job(name)["number"] for name in ("long-training", "bad-photo", "corgi-and-toy"))
    page = lambda number: browser.open(f"{studio.url}/jobs/{number}")

    page(studio.job(LONG)["number"])
    browser.until(f"{text}.includes('What happened')")
    look(check, browser, "a long name", pictures)
    page(bad)
    browser.until(f"{text}.includes('it ends after 812 bytes')")
    look(check, browser, "a failed job", pictures)
    page(good)
    browser.until("[...document.querySelectorAll('.pictures img')].length == 8 && [...document.querySelectorAll('.pictures img')].slice(0, 3).every(i => i.naturalWidth)")
    look(check, browser, "a done job", pictures)
    browser.colours("dark")
    if pictures:
        look(check, browser, "a done job in the dark", pictures)
    browser.colours("light")
    browser.rest(2.5)
    browser.events.clear()
    browser.rest(6)
    sent = sum(event[1] for event in browser.events if event[0] == "bytes")
    check("an unchanged page asks for little", sent < 20_000, f"{sent} bytes in 6 s")

    # What somebody does with the page survives its changes.
    page(long)
    browser.until("document.querySelector('pre') && document.querySelectorAll('.pictures img').length")
    look(check, browser, "a running job", pictures)
    browser.value("getSelection().selectAllChildren(document.querySelector('h2')); document.querySelector('button').focus(); document.querySelector('.pictures img').mine = 1")
    browser.until("document.querySelector('progress')")
    step = browser.value("document.querySelector('progress').value")
    browser.until(f"document.querySelector('progress').value > {step}")
    check("a selection, the focus and pictures stay", browser.value(
        "getSelection().toString().includes('long-training') && document.activeElement.nodeName == 'BUTTON' && [...document.querySelectorAll('.pictures img')].some(i => i.mine)"))

    # Requests, with the token and without.
    button = lambda name: f"[...document.querySelectorAll('button')].find(b => b.textContent == {json.dumps(name)})"
    complaints = browser.complaints.copy()
    later = studio.job("later-2")["number"]
    page(later)
    browser.until(button("Set priority"))
    browser.value("document.querySelector('input').focus(); document.querySelector('input').value = 7")
    browser.rest(2.5)
    check("what is typed stays", browser.value("document.querySelector('input').value") == "7")
    said = browser.click(button("Set priority"), answer="wrong")
    check("a wrong token is refused", [kind for kind, _ in said][:2] == ["prompt", "prompt"] and studio.job("later-2")["priority"] == 0, said)
    browser.value("localStorage.removeItem('token')")
    browser.until(button("Set priority"))
    browser.value("document.querySelector('input').value = 7")
    browser.click(button("Set priority"), answer=TOKEN)
    studio.until(lambda: studio.job("later-2")["priority"] == 7)
    check("the right one sets a priority", True)
    browser.open(studio.url)
    browser.until(f"{text}.indexOf('later-2') > 0 && {text}.indexOf('later-2') < {text}.indexOf('later-0')")
    check("what is more urgent comes first", True)
    page(later)
    browser.until(button("Cancel"))
    browser.click(button("Cancel"), accept=False)
    check("a change of mind cancels nothing", studio.job("later-2")["state"] == "queued")
    browser.click(button("Cancel"))
    studio.until(lambda: studio.job("later-2")["state"] == "cancelled")
    browser.until(button("Retry"))
    browser.click(button("Retry"))
    studio.until(lambda: studio.job("later-2")["state"] == "queued")
    check("a waiting job is cancelled and taken up again", True)
    page(long)
    browser.until(button("Cancel"))
    browser.click(button("Cancel"))
    studio.until(lambda: studio.job("long-training")["state"] == "cancelled")
    check("a running job is cancelled", True)

    # Files of jobs do nothing in the browser, and nothing but files of the job is there.
    browser.open(f"{studio.url}/api/v1/jobs/{good}/files/report.html")
    check("a report is shown and runs nothing", browser.value("document.body.innerText").startswith("What came out.") and browser.value("document.title") == "report")
    outside(check, studio, good)
    refused = [c for c in browser.complaints[len(complaints):] if "401" not in c and "sandbox" not in c.lower()]
    check("no error on the console", not complaints and not refused, complaints + refused)
    browser.complaints.clear()

    # A thousand.
    studio.drop("long-again")
    studio.until(lambda: studio.job("long-again")["state"] == "running")
    for i in range(500):
        studio.drop(f"waiting-{i:03}")
        studio.drop(f"broken-{i:03}", is_job=False)
    studio.until(lambda: studio.counts()["queued"] >= 500 and studio.counts()["failed"] >= 502, 120)
    browser.open(studio.url)
    browser.until(f"{text}.includes('Waiting (500)')")
    look(check, browser, "a thousand jobs", pictures)
    check("not all of a thousand are shown", browser.value("document.querySelectorAll('tbody tr').length") == 100)
    browser.call("Performance.enable")
    busy = lambda: next(m["value"] for m in browser.call("Performance.getMetrics")["metrics"] if m["name"] == "TaskDuration")
    browser.events.clear()
    before = busy()
    browser.rest(6)
    sent = sum(event[1] for event in browser.events if event[0] == "bytes")
    check("a thousand jobs are light", busy() - before < 0.6 and sent < 400_000, f"{busy() - before:.2f} s and {sent} bytes in 6 s")
    browser.click(button("Show more"))
    browser.until("document.querySelectorAll('tbody tr').length > 100")
    check("more are shown on request", True)

    # The daemon goes and comes back.
    check("no error on the console with a thousand", not browser.complaints, browser.complaints)
    page(9999)
    browser.until(f"{text}.includes('There is no job 9999')")
    check("a job that is not there", True)
    browser.open(studio.url)
    browser.value("window.stays = 1")
    studio.stop()
    browser.until("document.getElementById('live').textContent.includes('does not answer')")
    studio.start()
    browser.until("document.getElementById('live').textContent == 'live'")
    check("segmixd goes and comes back under the page", browser.value("window.stays") == 1)


def outside(check, studio, number):
    """Paths that lead out of the job's folder, as they are, through a plain socket: clients would tidy them up."""
    os.symlink(studio.folder + "/state/token", studio.folder + "/outbox/corgi-and-toy/link.txt")
    os.symlink(studio.folder, studio.folder + "/outbox/corgi-and-toy/up")
    with open(studio.folder + "/state/token", "w") as file:
        file.write("SECRET")
    host, port = studio.url[7:].split(":")
    up = ["../", "..%2f", "%2e%2e/", "%2e%2e%2f", "..%5c", "%252e%252e%252f", "..%c0%af", "./../"]
    paths = [f"{u * n}state/token" for u in up for n in (1, 2, 3)] + ["link.txt", "up/state/token", "/etc/passwd", "%2fetc%2fpasswd", "samples/../../../state/token", "samples", "", "%00", "a%00b"]
    found = []
    for path in paths:
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            connection.sendall(f"GET /api/v1/jobs/{number}/files/{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
            answer = b""
            while piece := connection.recv(65536):
                answer += piece
        if answer.split(b" ")[1] not in (b"404", b"400") or b"SECRET" in answer or b"root:" in answer:
            found.append((path, answer[:40]))
    check(f"{len(paths)} ways out of a job's folder lead nowhere", not found, found)


if __name__ == "__main__":
    main()
