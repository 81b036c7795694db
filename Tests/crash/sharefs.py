#!/usr/bin/env python3
"""A file system that hands everything on to a folder, as poorly as a share would.

    sharefs.py FOLDER MOUNTPOINT SEMANTICS.json [--direct]

SEMANTICS is read again whenever it changes; an empty object is a good share. --direct keeps the kernel from caching what is read. What
a rule met is written to SEMANTICS.json.log. Needs fusepy (Debian: python3-fusepy) and root. ERROR is a name such as "EPERM".

    symlink, link, mknod       ERROR
    chmod, chown, utimens      ERROR, or "ignore"
    rename_existing            ERROR where the new name is taken
    fsyncdir                   ERROR
    uid, gid                   the owner of everything
    file_mode, folder_mode     its modes, in octal
    nocase, nfd                names: without regard to capital letters; kept decomposed, as Macs do
    name_max                   bytes of a name
    granularity, offset        of times, in seconds; zero_times: all are 0
    inodes                     "path": made of paths; "folders": those of folders are; "random": others with each look
    statfs                     "zero": it knows nothing of itself
    silly                      what is removed while somebody has it open gets a hidden name until then
    rules                      a list, each for what goes wrong some time:
        op, match              the operation and a pattern for its path; that of a rename is "OLD -> NEW"
        errno                  ERROR, or null: it is only noted down
        count, skip            so often (1), after having been met so often before (0)
        after                  it is done, and reported as failed
        late                   with that, of a rename: so many seconds a look at one of its names finds what was there before; lists are true
        wipe                   the file is empty from then on
        end                    a read finds the end of the file
        write                  a file of that name appears in the folder that was renamed
        armed_by               [op, match]: the rule holds after the first of these
"""

import argparse
import errno
import json
import logging
import os
import random
import re
import sys
import time
import unicodedata
import zlib

try:
    from fusepy import FUSE, FuseOSError, Operations
except ImportError:
    from fuse import FUSE, FuseOSError, Operations


def failure(name):
    return FuseOSError(getattr(errno, name))


class ShareFS(Operations):
    use_ns = True

    def __init__(self, folder, control):
        self.folder, self.control = folder, control
        self.semantics, self.stamp = {}, None
        # Paths by descriptor.
        self.opened = {}
        self.hidden = 0
        # Of renames that are not shown yet: old and new name, until when, what the old one was.
        self.unseen = []
        self.log = open(control + ".log", "a", buffering=1)
        self.read_semantics()

    def read_semantics(self):
        status = os.stat(self.control)
        stamp = (status.st_mtime_ns, status.st_ino)
        if stamp != self.stamp:
            with open(self.control) as file:
                self.semantics = json.load(file)
            self.stamp = stamp

    # Names.

    def real(self, path):
        parts = [part for part in path.split("/") if part]
        if self.semantics.get("nfd"):
            parts = [unicodedata.normalize("NFD", part) for part in parts]
        here = self.folder
        for part in parts:
            if self.semantics.get("nocase") and not os.path.lexists(os.path.join(here, part)):
                try:
                    part = next((name for name in os.listdir(here) if name.casefold() == part.casefold()), part)
                except OSError:
                    pass
            here = os.path.join(here, part)
        return here

    def require_name(self, path):
        if len(os.fsencode(os.path.basename(path))) > self.semantics.get("name_max", 255):
            raise FuseOSError(errno.ENAMETOOLONG)

    # Rules.

    def __call__(self, op, path, *arguments):
        self.read_semantics()
        said = f"{path} -> {arguments[0]}" if op == "rename" else str(path)
        late, appears, unseen = None, None, None
        for rule in self.semantics.get("rules", []):
            if "armed_by" in rule and not rule.get("armed"):
                rule["armed"] = rule["armed_by"][0] == op and re.search(rule["armed_by"][1], said) is not None
                continue
            if not re.fullmatch(rule["op"], op) or not re.search(rule["match"], said):
                continue
            rule["met"] = rule.get("met", 0) + 1
            if not rule.get("skip", 0) < rule["met"] <= rule.get("skip", 0) + rule.get("count", 1):
                continue
            self.log.write(f"{op} {rule.get('errno')} {said}\n")
            if rule.get("wipe"):
                os.truncate(self.real(path), 0)
            if rule.get("end"):
                return b""
            if "write" in rule:
                appears = rule["write"]
            elif rule.get("after"):
                late = rule["errno"]
                if "late" in rule:
                    unseen = (path, arguments[0], time.monotonic() + rule["late"], os.lstat(self.real(path)))
            elif rule.get("errno"):
                raise failure(rule["errno"])
        try:
            result = getattr(self, op)(path, *arguments)
            if unseen:
                self.unseen.append(unseen)
            if appears:
                with open(os.path.join(self.real(arguments[0]), appears), "w") as file:
                    file.write("late\n")
        except FuseOSError:
            raise
        except OSError as error:
            raise FuseOSError(error.errno)
        if late:
            raise failure(late)
        return result

    def switched(self, key, body):
        """What the semantics may forbid."""
        wanted = self.semantics.get(key)
        if wanted == "ignore":
            return 0
        if wanted:
            raise failure(wanted)
        return body()

    # Looking.

    def attributes(self, path, status):
        semantics = self.semantics
        found = {key: getattr(status, key) for key in ("st_mode", "st_nlink", "st_size", "st_uid", "st_gid", "st_ino", "st_rdev", "st_blocks", "st_blksize")}
        times = {key: getattr(status, key + "_ns") for key in ("st_atime", "st_mtime", "st_ctime")}
        kind = status.st_mode & 0o170000
        is_folder = kind == 0o040000
        found["st_uid"] = semantics.get("uid", found["st_uid"])
        found["st_gid"] = semantics.get("gid", found["st_gid"])
        mode = semantics.get("folder_mode" if is_folder else "file_mode" if kind == 0o100000 else "")
        if mode:
            found["st_mode"] = kind | int(mode, 8)
        inodes = semantics.get("inodes")
        if inodes == "random":
            found["st_ino"] = random.randrange(1 << 20, 1 << 50)
        elif inodes == "path" or inodes == "folders" and is_folder:
            found["st_ino"] = zlib.crc32(path.encode()) << 16 | 7
        for key in times:
            step = int(semantics.get("granularity", 0) * 1e9) or 1
            times[key] = 0 if semantics.get("zero_times") else times[key] // step * step + int(semantics.get("offset", 0) * 1e9)
        return {**found, **times}

    def getattr(self, path, handle=None):
        self.require_name(path)
        for old, new, until, status in self.unseen:
            if time.monotonic() < until and path == old:
                return self.attributes(path, status)
            if time.monotonic() < until and path == new:
                raise failure("ENOENT")
        try:
            return self.attributes(path, os.lstat(self.real(path)))
        except FileNotFoundError:
            if handle in self.opened:
                return self.attributes(path, os.fstat(handle))
            raise

    def readdir(self, path, handle):
        return [".", "..", *os.listdir(self.real(path))]

    def readlink(self, path):
        return os.readlink(self.real(path))

    def access(self, path, mode):
        return 0

    def statfs(self, path):
        keys = ("f_bavail", "f_bfree", "f_blocks", "f_bsize", "f_favail", "f_ffree", "f_files", "f_flag", "f_frsize", "f_namemax")
        if self.semantics.get("statfs") == "zero":
            return dict.fromkeys(keys, 0)
        status = os.statvfs(self.real(path))
        return {**{key: getattr(status, key) for key in keys}, "f_namemax": self.semantics.get("name_max", 255)}

    # Changing.

    def chmod(self, path, mode):
        return self.switched("chmod", lambda: os.chmod(self.real(path), mode))

    def chown(self, path, user, group):
        return self.switched("chown", lambda: os.chown(self.real(path), user, group, follow_symlinks=False))

    def utimens(self, path, times=None):
        return self.switched("utimens", lambda: os.utime(self.real(path), ns=times, follow_symlinks=False))

    def symlink(self, path, target):
        self.require_name(path)
        return self.switched("symlink", lambda: os.symlink(target, self.real(path)))

    def link(self, path, target):
        self.require_name(path)
        return self.switched("link", lambda: os.link(self.real(target), self.real(path)))

    def mknod(self, path, mode, device):
        self.require_name(path)
        return self.switched("mknod", lambda: os.mknod(self.real(path), mode, device))

    def mkdir(self, path, mode):
        self.require_name(path)
        return os.mkdir(self.real(path), mode)

    def rmdir(self, path):
        return os.rmdir(self.real(path))

    def unlink(self, path):
        if not self.semantics.get("silly") or path not in self.opened.values():
            return os.unlink(self.real(path))
        if os.path.basename(path).startswith(".nfs"):
            raise FuseOSError(errno.EBUSY)
        self.hidden += 1
        hidden = os.path.join(os.path.dirname(path), f".nfs{self.hidden:012x}")
        os.rename(self.real(path), self.real(hidden))
        self.follow(path, hidden)

    def rename(self, old, new):
        self.require_name(new)
        source, target = self.real(old), self.real(new)
        if self.semantics.get("rename_existing") and os.path.lexists(target) and source != target:
            raise failure(self.semantics["rename_existing"])
        if source == target:
            # Only letters become capital ones, or small.
            target = os.path.join(os.path.dirname(source), os.path.basename(new))
        os.rename(source, target)
        self.follow(old, new)

    def follow(self, old, new):
        for handle, path in self.opened.items():
            if path == old or path.startswith(old + "/"):
                self.opened[handle] = new + path[len(old):]

    def truncate(self, path, length, handle=None):
        os.truncate(self.real(path), length)

    # Files.

    def open(self, path, flags):
        handle = os.open(self.real(path), flags & ~(os.O_CREAT | os.O_EXCL | os.O_DIRECT))
        self.opened[handle] = path
        return handle

    def create(self, path, mode, info=None):
        self.require_name(path)
        handle = os.open(self.real(path), os.O_RDWR | os.O_CREAT, mode)
        self.opened[handle] = path
        return handle

    def read(self, path, size, offset, handle):
        return os.pread(handle, size, offset)

    def write(self, path, data, offset, handle):
        return os.pwrite(handle, data, offset)

    def flush(self, path, handle):
        return 0

    def fsync(self, path, only_data, handle):
        return 0

    def fsyncdir(self, path, only_data, handle):
        return self.switched("fsyncdir", lambda: 0)

    def release(self, path, handle):
        path = self.opened.pop(handle, "")
        os.close(handle)
        if os.path.basename(path).startswith(".nfs") and path not in self.opened.values():
            try:
                os.unlink(self.real(path))
            except OSError:
                pass
        return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("mountpoint")
    parser.add_argument("semantics")
    parser.add_argument("--direct", action="store_true")
    options = parser.parse_args()
    # Our own mistakes.
    logging.basicConfig(filename=options.semantics + ".errors", level=logging.ERROR)
    FUSE(
        ShareFS(os.path.abspath(options.folder), options.semantics), options.mountpoint, foreground=True, nothreads=True, allow_other=True, use_ino=True,
        entry_timeout=0, attr_timeout=0, negative_timeout=0, hard_remove=True, big_writes=True, direct_io=options.direct)


if __name__ == "__main__":
    sys.exit(main())
