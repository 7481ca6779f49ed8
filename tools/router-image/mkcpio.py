#!/usr/bin/env python3
"""Pack a directory as a newc cpio archive owned by root, with /dev/console, for use as an initramfs.

usage: mkcpio.py DIR > OUT

Written here because a cpio program is not on every machine, and because a device node can be put into the archive
without being root. Inode numbers and times are fixed, so that the same tree always gives the same bytes.
"""
import os
import stat
import sys

MAGIC = "070701"


def entry(out, ino, name, mode, data=b"", rdev=(0, 0)):
    encoded = name.encode() + b"\0"
    fields = [ino, mode, 0, 0, 1, 0, len(data), 0, 0, rdev[0], rdev[1], len(encoded), 0]
    header = (MAGIC + "".join(f"{f:08x}" for f in fields)).encode() + encoded
    out.write(header + b"\0" * (-len(header) % 4))
    out.write(data + b"\0" * (-len(data) % 4))


def tree(root):
    for directory, subdirs, files in os.walk(root):
        subdirs.sort()
        for name in sorted(files) + subdirs:
            yield os.path.join(directory, name)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    root, out, ino = sys.argv[1], sys.stdout.buffer, 1
    entry(out, ino, "dev", stat.S_IFDIR | 0o755)
    ino += 1
    # The kernel opens this before /init runs; without it /init has no standard output.
    entry(out, ino, "dev/console", stat.S_IFCHR | 0o600, rdev=(5, 1))
    for path in tree(root):
        ino += 1
        name = os.path.relpath(path, root)
        st = os.lstat(path)
        if stat.S_ISLNK(st.st_mode):
            entry(out, ino, name, stat.S_IFLNK | 0o777, os.readlink(path).encode())
        elif stat.S_ISDIR(st.st_mode):
            if name != "dev":
                entry(out, ino, name, stat.S_IFDIR | 0o755)
        else:
            with open(path, "rb") as f:
                entry(out, ino, name, stat.S_IFREG | (st.st_mode & 0o777), f.read())
    entry(out, 0, "TRAILER!!!", 0)


main()
