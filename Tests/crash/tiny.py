"""A tiny model and jobs that take a second or two: what all campaigns work with. Needs Python's own library only."""

import glob
import hashlib
import json
import os
import shutil
import struct
import subprocess
import sys

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


class Jobs:
    """Job folders, and the results of runs that nobody disturbed."""

    def __init__(self, segmix, folder, seeds, steps, photos=None):
        """`photos`: at most so many of each subject, and as many prior pictures."""
        self.segmix, self.folder, self.steps = segmix, folder, steps
        self.model = os.path.join(folder, "model")
        subprocess.run([segmix, "make-model", self.model, "--preset", "tiny"], check=True, stdout=subprocess.DEVNULL)
        # The demonstration draws the photos.
        demo = os.path.join(folder, "demo")
        quiet = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run([segmix, "demo", "--output", demo, "--model", self.model, "--steps", "1"], **quiet)
        self.photos = os.path.join(folder, "photos")
        shutil.copytree(glob.glob(demo + "/state/done/*/input/robot-and-dog")[0], self.photos)
        for name in glob.glob(self.photos + "/*.y*ml"):
            os.remove(name)
        shutil.rmtree(demo)
        if photos is not None:
            self.keep(photos)
        self.wanted, self.files = [], []
        for seed in range(seeds):
            job, output = os.path.join(folder, "job"), os.path.join(folder, "undisturbed")
            self.write(job, {"job.yaml": seed})
            settings = os.path.join(folder, "undisturbed.yaml")
            with open(settings, "w") as file:
                file.write(f"inbox: in\noutbox: out\nstate: undisturbed-state\nmodels: {{tiny: {{base: {self.model}}}}}\n")
            done = subprocess.run([segmix, "run", job, "--config", settings, "--output", output], capture_output=True, text=True)
            if done.returncode != 0:
                sys.exit(f"The undisturbed run failed with status {done.returncode}:\n{done.stderr}")
            self.wanted.append(weights(output))
            # The file in kohya's format has the name of the job.
            self.files.append(sorted(name.replace("job.safetensors", "NAME.safetensors") for name in tree(output)))
            shutil.rmtree(job)
            shutil.rmtree(output)
        if len(set(self.wanted)) != seeds:
            sys.exit("Jobs of different seeds give the same LoRA; nothing could be told from comparing them.")

    def keep(self, most):
        """Removes all but the first of the photos and prior pictures."""
        for place, metadata in [(self.photos, "metadata.jsonl"), (self.photos + "/prior", "class_metadata.jsonl")]:
            with open(f"{place}/{metadata}") as file:
                first, *lines = map(json.loads, file)
            kept = [line for subject in sorted({line["id"] for line in lines}) for line in [line for line in lines if line["id"] == subject][:most]]
            files = {os.path.basename(line[key]) for line in kept for key in ("file_name", "mask_path") if key in line}
            for name in os.listdir(place):
                if name.endswith(".png") and name not in files:
                    os.remove(f"{place}/{name}")
            with open(f"{place}/{metadata}", "w") as file:
                file.writelines(json.dumps(line) + "\n" for line in [first, *kept])

    def write(self, folder, specifications):
        """A job's folder with the specifications of these seeds."""
        shutil.copytree(self.photos, folder)
        for name, seed in specifications.items():
            with open(os.path.join(folder, name), "w") as file:
                file.write(SPECIFICATION.format(seed=seed, steps=self.steps))

    def fault(self, result, seed, name):
        """What is wrong with a result: None, or a sentence."""
        files = [file.replace(name + ".safetensors", "NAME.safetensors") for file in tree(result) if file != "job.log.1"]
        if sorted(files) != self.files[seed]:
            return f"has other files than an undisturbed run: {sorted(set(files) ^ set(self.files[seed]))}"
        if weights(result) != self.wanted[seed]:
            return "has another LoRA than an undisturbed run"
        if steps(result) != list(range(1, self.steps + 1)):
            return f"has the steps {steps(result)} in metrics.jsonl, not each of 1 to {self.steps} once"
        return None


def tree(folder):
    """All files below a folder, hidden folders left out."""
    found = []
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [os.path.relpath(os.path.join(place, name), folder) for name in files if not name.startswith("events.out")]
    return found


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


def workers_of(state):
    """Processes of a state directory, by the variable that the daemon gives them."""
    mark, found = f"SEGMIXD_STATE={state}".encode(), []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/environ", "rb") as file:
                    if mark in file.read().split(b"\0"):
                        found.append(int(entry))
            except OSError:
                pass
    return found


def text_of(path):
    try:
        with open(path, errors="replace") as file:
            return file.read()
    except OSError:
        return ""
