"""Emulators under measurement: Trestle and QEMU as child processes."""
import datetime
import os
import re
import select
import subprocess
import sys


class Emulator:
    """One run; the guest's serial port is on its standard input and output."""

    def __init__(self, name, command, ready=rb"mix ready"):
        self.name = name
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL)
        self.seen = b""
        self.wait_for(ready, 300)

    def wait_for(self, pattern, seconds):
        out = self.process.stdout.fileno()
        while not (match := re.search(pattern, self.seen)):
            if not select.select([out], [], [], seconds)[0]:
                sys.exit(f"{self.name}: nothing for {seconds} s")
            data = os.read(out, 4096)
            if not data:
                sys.exit(f"{self.name} ended: {self.seen[-300:]!r}")
            self.seen += data
        self.seen = self.seen[match.end():]
        return match

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def run(self, part):
        start = self.cpu_seconds()
        self.process.stdin.write(b"%d" % part)
        self.process.stdin.flush()
        result = self.wait_for(rb"result ([0-9a-f]{8})", 300).group(1)
        return self.cpu_seconds() - start, result

    def end(self):
        self.process.stdin.write(b"q")
        self.process.stdin.flush()
        self.process.wait(30)

    def kill(self):
        self.process.kill()
        self.process.wait()


def cpu_name():
    with open("/proc/cpuinfo") as info:
        return re.search(r"model name\s*: (.*)", info.read()).group(1)


def qemu_version():
    out = subprocess.run(["qemu-system-i386", "--version"],
                         capture_output=True, text=True).stdout
    return re.search(r"version (\S+)", out).group(1)


def heading():
    """What every report begins with: when, where, which QEMU."""
    return (f"{datetime.date.today()}, {cpu_name()}, "
            f"QEMU {qemu_version()} TCG. ")


def write(title, text, path):
    """Print a report; append it to the file at `path`, if any."""
    text = f"## {title}\n\n{text.rstrip()}\n"
    print(text)
    if path:
        with open(path, "a", encoding="utf-8") as out:
            out.write("\n" + text)


def qemu_command(image, *more):
    return ["qemu-system-i386", "-accel", "tcg", "-m", "64", "-snapshot",
            "-drive", f"file={image},format=raw", "-display", "none",
            "-serial", "stdio", "-monitor", "none", *more]


def trestle_command(program, image, *more):
    return [program, "-m", "64", "-hda", image, "-snapshot", "-serial",
            "stdio", *more]
