"""Whole folders with faults: names, links, pipes and devices, or a picture or text of the other kinds. Needs Python's own library only."""

import json
import os
import shutil
import socket
import stat

import pictures
import texts


def write(path, data=b"x"):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if os.path.lexists(path) and (os.path.islink(path) or not os.path.isfile(path)):
        shutil.rmtree(path) if os.path.isdir(path) and not os.path.islink(path) else os.remove(path)
    with open(path, "wb") as file:
        file.write(data if isinstance(data, bytes) else data.encode())


def plain(folder, hollow=True):
    """A job's folder that is in order; where it is hollow, its pictures are none."""
    for name in ["a00.jpg", "b00.jpg", "mask_a00.png", "mask_b00.png"]:
        if hollow:
            write(f"{folder}/{name}")
        else:
            os.makedirs(folder, exist_ok=True)
            shutil.copy(f"{pictures.GOLDENS}/{name}", folder)
    write(folder + "/job.yaml", texts.SPECIFICATION)
    write(folder + "/metadata.jsonl", "\n".join(json.dumps(line) for line in texts.PHOTOS))


def by_subjects(folder):
    for name in ["olis toy/1.jpg", "olis toy/2.jpg", "hta corgi/1.jpg"]:
        write(f"{folder}/{name}")
    write(folder + "/job.yaml", "with_prior_preservation: false\nsegmix_prob: 0")


def path_in(folder, name):
    return os.path.join(os.fsencode(folder), name)


ODD = [b"a\nb.jpg", b"\x1b[31mred.jpg", "💥.jpg".encode(), b"x" * 251 + b".jpg", b"caf\xe9.jpg", b"\xff\xfe.jpg", b"-rf.jpg", b" .jpg", b"a'b\"c.jpg", b"$(id).jpg", b"%s%n.jpg", "u\u0308.jpg".encode(), "ü.jpg".encode(), b"con.jpg", b"a:b.jpg",
       b"...jpg", b"mask_.jpg", b"mask_mask_1.jpg", b"1.JPG", b"1.jPeG", b".jpg"]
SPECIAL = ["fifo", "socket", "device", "folder", "link out", "link to a folder out", "link to nowhere", "loop", "link to zero", "no rights", "link inside", "chain out", "link of a folder above"]


def put(random, path, kind, canary):
    """Puts something else where a file is expected."""
    if os.path.lexists(path):
        shutil.rmtree(path) if os.path.isdir(path) and not os.path.islink(path) else os.remove(path)
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "socket":
        here = os.open(".", os.O_RDONLY)
        try:
            os.chdir(os.path.dirname(path))
            with socket.socket(socket.AF_UNIX) as made:
                made.bind(os.path.basename(path)[:100])
        finally:
            os.fchdir(here)
            os.close(here)
    elif kind == "device":
        if os.geteuid() == 0:
            os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5))
        else:
            os.symlink("/dev/zero", path)
    elif kind == "folder":
        os.makedirs(os.path.join(path, b"x" if isinstance(path, bytes) else "x"))
    elif kind == "no rights":
        write(path)
        os.chmod(path, 0)
    else:
        suffix = os.path.splitext(os.fsdecode(path))[1]
        name = "known" + (suffix if suffix in (".yaml", ".jsonl", ".jpg") else ".jpg")
        os.symlink({"link out": f"{canary.folder}/{name}", "link to a folder out": canary.folder + "/inner", "link to nowhere": "nowhere", "loop": os.path.basename(path),
                    "link to zero": "/dev/zero", "link inside": "a00.jpg", "chain out": "chain", "link of a folder above": ".."}[kind], path)
        if kind == "chain out":
            chain = os.path.join(os.path.dirname(os.fsdecode(path)), "chain")
            if not os.path.lexists(chain):
                os.symlink(os.path.relpath(f"{canary.folder}/{name}", os.path.dirname(chain)), chain)


def strange_names(random, folder, canary):
    """Does something to the names in a folder that is in order; what was done."""
    kind = random.choice(["odd names", "odd names by subjects", "special", "special by subjects", "list", "links by name", "twins", "odd specification"])
    if kind.endswith("by subjects"):
        if os.path.exists(folder + "/metadata.jsonl"):
            shutil.rmtree(folder)
            by_subjects(folder)
        inner = folder + "/" + random.choice(["olis toy", "hta corgi"])
        if kind == "odd names by subjects":
            for name in random.sample(ODD, random.randint(1, 4)):
                write(path_in(inner, name).decode(errors="surrogateescape"))
            if random.random() < 0.5:
                os.rename(inner, path_in(folder, random.choice([b"a\nb toy", b"\xe9 toy", b"x" * 255, "💥".encode(), b" ", b"\x1b[2J", b"prior ", b"Prior"])))
        else:
            put(random, random.choice([inner, inner + "/1.jpg", inner + "/mask_1.jpg", folder + "/third subject", folder + "/job.yaml", folder + "/prior", folder + "/metadata.jsonl"]), random.choice(SPECIAL), canary)
    elif kind == "special":
        for _ in range(random.randint(1, 2)):
            name = random.choice(["a00.jpg", "mask_b00.png", "job.yaml", "metadata.jsonl", "prior", "prior/class_metadata.jsonl", "more.yaml", "unused.jpg", ".ready"])
            if name.startswith("prior/"):
                if not os.path.lexists(folder + "/prior"):
                    os.makedirs(folder + "/prior")
                write(folder + "/job.yaml", "with_prior_preservation: true")
            elif name == "prior":
                write(folder + "/job.yaml", "with_prior_preservation: true")
            if os.path.isdir(os.path.dirname(folder + "/" + name)):
                put(random, folder + "/" + name, random.choice(SPECIAL), canary)
    elif kind == "odd names":
        name = random.choice(ODD)
        os.rename(folder + "/a00.jpg", path_in(folder, name))
        lines = json.loads(json.dumps(texts.PHOTOS))
        lines[1]["file_name"] = name.decode(errors="surrogateescape") if random.random() < 0.7 else name.decode(errors="replace").upper()
        write(folder + "/metadata.jsonl", "\n".join(json.dumps(line) for line in lines).encode("utf-8", "surrogatepass"))
    elif kind in ("list", "links by name"):
        names = texts.NAMES
        if kind == "links by name":
            for link, target in (("out", canary.folder), ("up", ".."), ("prior", canary.folder + "/inner")):
                if not os.path.lexists(folder + "/" + link):
                    os.symlink(target, folder + "/" + link)
            up = os.path.relpath(canary.folder, os.path.dirname(folder))
            names = ["out/known.jpg", "out/CANARY-NAME.jpg", "out/inner/CANARY-NAME-2.png", "out/x", "out", f"up/{up}/known.jpg", f"up/{up}/x", f"../{up}/known.jpg", canary.folder + "/known.jpg", "up/up/x",
                     "prior/known-2.jpg", "prior/Canary-Name-2.jpg", "out/known.txt", "./out/known.jpg", "out//known.jpg", "up/" + os.path.basename(folder) + "/a00.jpg"]
            if random.random() < 0.5:
                write(folder + "/job.yaml", "with_prior_preservation: true")
        lines = json.loads(json.dumps(texts.PHOTOS))
        lines[random.randint(1, 2)][random.choice(["file_name", "mask_path"])] = random.choice(names)
        write(folder + "/metadata.jsonl", "\n".join(json.dumps(line) for line in lines).encode("utf-8", "surrogatepass"))
    elif kind == "twins":
        for name in random.sample(["A00.jpg", "a00.JPG", "JOB.YAML", "Job.yaml", "job.yml", "Metadata.jsonl", "METADATA.JSONL", "Prior/x.jpg", "a00.jpeg", "mu\u0308ller.yaml", "m\u00fcller.yaml"], random.randint(1, 4)):
            write(f"{folder}/{name}")
        if random.random() < 0.4:
            os.remove(folder + "/" + random.choice(["a00.jpg", "metadata.jsonl", "job.yaml"]))
    else:
        os.rename(folder + "/job.yaml", path_in(folder, random.choice([b"a\nb.yaml", b"caf\xe9.yaml", b".yaml", b"x" * 250 + b".yaml", b"\x1b[2J.yaml", "💥.yml".encode(), b"job.yaml.yaml", b"job.YAML", b"-.yaml", b"..yaml", b"job.yaml "])))
    return kind


def strange(random, folder, canary):
    """Does one or two things to a folder that is in order, pictures included; what was done, and the names that a message may give."""
    done = []
    for _ in range(random.choice([1, 1, 2])):
        kind = random.choice(["picture", "picture", "specification", "photos", "names"])
        if kind == "picture":
            files = sorted(name for name in os.listdir(folder) if name.endswith((".jpg", ".png")) and os.path.isfile(f"{folder}/{name}"))
            if files:
                what, _, data = pictures.strange(random)
                name = random.choice(files)
                write(f"{folder}/{name}", data)
                done.append(f"{name}: {what}")
        elif kind == "specification":
            what, data = texts.strange_yaml(random, texts.SPECIFICATION)
            if not os.path.isdir(folder + "/job.yaml"):
                if os.path.lexists(folder + "/job.yaml"):
                    os.remove(folder + "/job.yaml")
                write(folder + "/job.yaml", data)
            done.append(f"job.yaml: {what}")
        elif kind == "photos":
            what, data = texts.strange_photos(random)
            if not os.path.lexists(folder + "/metadata.jsonl") or os.path.isfile(folder + "/metadata.jsonl") and not os.path.islink(folder + "/metadata.jsonl"):
                write(folder + "/metadata.jsonl", data)
            done.append(f"metadata.jsonl: {what}")
        elif os.path.isfile(folder + "/a00.jpg") and os.path.isfile(folder + "/job.yaml") and os.path.isfile(folder + "/metadata.jsonl"):
            done.append("names: " + strange_names(random, folder, canary))
    return "; ".join(done) or "nothing"
