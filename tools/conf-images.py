#!/usr/bin/python3
"""The files that a trestle.conf names, for the boot medium.

usage: conf-images.py FILE

Prints NAME=PATH for each: NAME is what the module is called on the medium,
the last component of PATH; a relative PATH is taken from FILE's folder.
"""
import pathlib
import re
import sys

DISK_OPTIONS = ("hda", "hdb", "hdc", "hdd", "cdrom")
NIC_OPTIONS = ("net", "nic", "device")
OWN_DISK = re.compile(r"disk:|slot(:|$)")       # the PC's own, no file
LINE = re.compile(r"""\s*-{0,2}(?P<word>[\w-]+)\s*=?\s*
                      (?P<value>(?:"[^"]*"|'[^']*'|[^\s"'])*)""", re.X)


def drive_file(value):
    """What -drive has as file=; in it a comma is doubled."""
    for setting in re.findall(r"(?:[^,]|,,)+", value):
        if setting.startswith("file="):
            return setting.removeprefix("file=").replace(",,", ",")
    return ""


def files(text):
    """The images and ROMs of the conf's options, in order."""
    for line in text.removeprefix("\ufeff").splitlines():
        found = LINE.match(line)
        if not found:
            continue
        word, value = found["word"], re.sub("[\"']", "", found["value"])
        if word in NIC_OPTIONS:
            yield from re.findall(r",romfile=([^,]+)", value)
        if word == "bios" and value:
            yield value
        image = (value if word in DISK_OPTIONS else
                 drive_file(value) if word == "drive" else "")
        if image and not OWN_DISK.match(image):
            yield image


def main():
    conf = pathlib.Path(sys.argv[1])
    paths = {}
    try:
        text = conf.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        sys.exit(f"{conf}: {error}")
    for name in files(text):
        path = conf.parent / name
        if not path.is_file():
            sys.exit(f"{conf}: there is no file '{path}'")
        if re.search(r"[\s=]", str(path)):
            sys.exit(f"{conf}: '{path}': a name on the medium cannot have "
                     "blanks or '='")
        if paths.setdefault(path.name, path) != path:
            sys.exit(f"{conf}: two files are called '{path.name}'")
    print(*(f"{name}={path}" for name, path in paths.items()))


main()
