"""Emulators under measurement: Trestle and QEMU as child processes."""
import atexit
import datetime
import os
import re
import select
import signal
import subprocess
import sys
import time


class Silent(SystemExit):
    """Nothing came for too long: the end, unless somebody expects it."""


class Emulator:
    """One run; the guest's serial port is on its standard input and output."""

    def __init__(self, name, command, ready):
        self.name = name
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL)
        self.seen = b""
        # However this program ends: a stopped child would stay for ever.
        atexit.register(self.kill)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))
        self.wait_for(ready, 300)

    def wait_for(self, pattern, seconds):
        out = self.process.stdout.fileno()
        while not (match := re.search(pattern, self.seen)):
            if not select.select([out], [], [], seconds)[0]:
                raise Silent(f"{self.name}: nothing for {seconds} s after "
                             f"{self.seen[-300:]!r}")
            data = os.read(out, 4096)
            if not data:
                sys.exit(f"{self.name} ended: {self.seen[-300:]!r}")
            self.seen += data
        self.seen = self.seen[match.end():]
        return match

    def cpu_seconds(self):
        """Of all its threads, as long as it lives, to the nanosecond."""
        # The clock of a process, time(7) and clock_getcpuclockid(3): in the
        # kernel's numbers the inverted process with CPUCLOCK_SCHED below.
        return time.clock_gettime(~self.process.pid << 3 | 2)

    def send(self, line):
        self.process.stdin.write(line)
        self.process.stdin.flush()

    def pause(self):
        """Others' turn: a guest that waits for its line spins."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

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


def write(title, text, path, show=True):
    """Print a report; in the file at `path`, if any, it replaces the section of
    that title or becomes the last one."""
    section = f"## {title}\n\n{text.rstrip()}\n"
    if show:
        print(section)
    if not path:
        return
    document = ""
    if os.path.exists(path):
        with open(path, encoding="utf-8") as report:
            document = report.read()
    sections = re.split(r"(?m)^(?=## )", document)
    for number, old in enumerate(sections):
        if old.startswith(f"## {title}\n"):
            last = number == len(sections) - 1
            sections[number] = section + ("" if last else "\n")
            break
    else:
        sections.append("\n" + section)
    with open(path, "w", encoding="utf-8") as report:
        report.write("".join(sections))


def qemu_command(image, *more):
    return ["qemu-system-i386", "-accel", "tcg", "-m", "64", "-snapshot",
            "-drive", f"file={image},format=raw", "-display", "none",
            "-serial", "stdio", "-monitor", "none", *more]


def trestle_command(program, image, *more):
    if not {"-net", "-nic", "-netdev"}.intersection(more):
        more = (*more, "-net", "none")
    return [program, "-m", "64", "-hda", image, "-snapshot", "-serial",
            "stdio", *more]
