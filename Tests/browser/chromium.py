"""A headless chromium, spoken to in its DevTools protocol over two pipes: nothing but Python's own library is needed."""
import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def program():
    """The path of a chromium, or None."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


class Chromium:
    """One browser with one page.

    `complaints` collects what a developer would see in red: errors and warnings on the console, uncaught exceptions, requests that
    failed, answers of 400 and above.
    """

    def __init__(self):
        self.profile = tempfile.mkdtemp(prefix="segmixd-browser-")
        to_browser, self.output = os.pipe()
        self.input, from_browser = os.pipe()
        # The protocol's ends are descriptors 3 and 4; a shell puts them there.
        command = ["/bin/sh", "-c", f'exec "$@" 3<&{to_browser} 4>&{from_browser}', "sh", program(), "--headless=new", "--remote-debugging-pipe",
                   f"--user-data-dir={self.profile}", "--no-first-run", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
                   "--disable-background-networking", "--disable-component-update"]
        if os.getuid() == 0:
            command.append("--no-sandbox")
        self.process = subprocess.Popen(command, pass_fds=(to_browser, from_browser), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)
        self.pending, self.number, self.complaints, self.dialogs, self.events = b"", 0, [], [], []
        self.answers = {}
        self.session = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(domain + ".enable")

    def close(self):
        self.session = None
        try:
            self.call("Browser.close", patience=5)
        except (OSError, TimeoutError):
            self.process.kill()
        self.process.wait()
        os.close(self.output)
        os.close(self.input)
        shutil.rmtree(self.profile, ignore_errors=True)

    def call(self, method, patience=60, **parameters):
        self.number += 1
        number = self.number
        message = {"id": number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.output, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + patience
        while number not in self.answers:
            self.listen(end - time.monotonic(), f"{method} has no answer")
        answer = self.answers.pop(number)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        return answer.get("result", {})

    def listen(self, patience, what="nothing was said"):
        """Takes in what the browser says next."""
        if patience <= 0 or not select.select([self.input], [], [], patience)[0]:
            raise TimeoutError(what)
        piece = os.read(self.input, 1 << 20)
        if not piece:
            raise OSError("chromium has ended")
        *messages, self.pending = (self.pending + piece).split(b"\0")
        for message in map(json.loads, messages):
            if "id" in message:
                self.answers[message["id"]] = message
            else:
                self.hear(message["method"], message["params"])

    def hear(self, method, said):
        if method == "Runtime.exceptionThrown":
            details = said["exceptionDetails"]
            self.complaints.append("exception: " + details.get("exception", {}).get("description", details["text"]))
        elif method == "Runtime.consoleAPICalled" and said["type"] in ("error", "warning", "assert"):
            self.complaints.append("console: " + " ".join(str(a.get("value", a.get("description"))) for a in said["args"]))
        elif method == "Log.entryAdded" and said["entry"]["level"] in ("error", "warning"):
            self.complaints.append(f"log: {said['entry']['text']} {said['entry'].get('url', '')}")
        elif method == "Network.loadingFailed" and not said.get("canceled"):
            self.complaints.append(f"failed: {said['errorText']}")
        elif method == "Network.responseReceived":
            self.events.append((said["response"]["status"], said["response"]["url"], said["response"].get("encodedDataLength", 0)))
        elif method == "Network.loadingFinished":
            self.events.append(("bytes", said["encodedDataLength"]))
        elif method == "Page.javascriptDialogOpening":
            self.dialogs.append((said["type"], said["message"]))

    def rest(self, seconds):
        """Lets the page live on for so long."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            try:
                self.listen(left)
            except TimeoutError:
                return

    def size(self, width, height, is_phone=False):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=is_phone)

    def colours(self, scheme):
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def open(self, url):
        self.call("Page.navigate", url=url)
        self.until("document.readyState === 'complete'")

    def value(self, expression):
        """What JavaScript makes of it; a promise is waited for."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True, userGesture=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails'].get('exception', {}).get('description')}")
        return answer["result"].get("value")

    def until(self, expression, seconds=15):
        end = time.monotonic() + seconds
        while not self.value(f"!!({expression})"):
            if time.monotonic() > end:
                raise TimeoutError(f"never came true: {expression}")
            self.rest(0.1)

    def click(self, expression, answer=None, accept=True):
        """Clicks an element as a person does; a dialog that comes up is answered. Returns the dialogs."""
        before = len(self.dialogs)
        self.value(f"({expression}).scrollIntoView({{block: 'center'}})")
        x, y = self.value(f"(() => {{ const r = ({expression}).getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2] }})()")
        for kind in ("mousePressed", "mouseReleased"):
            # The release waits for as long as a dialog is open.
            self.number += 1
            os.write(self.output, json.dumps({"id": self.number, "sessionId": self.session, "method": "Input.dispatchMouseEvent", "params": {
                "type": kind, "x": x, "y": y, "button": "left", "clickCount": 1}}).encode() + b"\0")
        answered = before
        quiet = time.monotonic() + 1
        while time.monotonic() < quiet:
            self.rest(0.1)
            while answered < len(self.dialogs):
                given = answer if self.dialogs[answered][0] == "prompt" else None
                self.call("Page.handleJavaScriptDialog", accept=accept, **({"promptText": given} if given is not None else {}))
                answered += 1
                quiet = time.monotonic() + 1
        return self.dialogs[before:]

    def picture(self, path, whole=False):
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))
