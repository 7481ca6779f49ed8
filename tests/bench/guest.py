"""The router image as a guest under measurement, by its serial console."""
import re
import shutil
import sys
import tempfile
import time

from emulator import Emulator

READY = rb"Please press Enter"
PROMPT = rb"root@router:\S* ?# "
SECTOR_BYTES = 512
# The end of the echo, which may go on in the terminal's next line.
TYPED = rb"[\r\n]*".join(re.escape(c.encode()) for c in "end-$?")
# Before all else; kernel messages would stand among the answers.
SET_UP = (
    "dmesg -n 1; modprobe ext4; cd /tmp",
    "for d in a b c; do mount -o ro /dev/sd$d /mnt && break; done",
)


def grown(image, sectors):
    """A copy of the image of full size, as QEMU does not grow it."""
    copy = tempfile.NamedTemporaryFile(suffix=".img")
    shutil.copy(image, copy.name)
    copy.truncate(sectors * SECTOR_BYTES)
    return copy


class Guest:
    """The router from its start on. Times are [elapsed, processor seconds]."""

    def __init__(self, name, command):
        begin = time.monotonic()
        self.emulator = Emulator(name, command, READY)
        self.boot_times = [time.monotonic() - begin,
                           self.emulator.cpu_seconds()]

    def log_in(self, *lines):
        """To the shell, the programs' disk mounted on /mnt; run `lines`."""
        self.emulator.send(b"\r")
        self.emulator.wait_for(PROMPT, 60)
        for line in SET_UP + lines:
            self.run(line)

    def run(self, line, seconds=600):
        """(times, output) of a command, which must succeed, in that time."""
        self.emulator.send(f"{line}; echo end-$?".encode())
        self.emulator.wait_for(TYPED, 60)
        begin = [time.monotonic(), self.emulator.cpu_seconds()]
        self.emulator.send(b"\r")
        answer = self.emulator.wait_for(rb"(?s)(.*)end-(\d+)\r\n", seconds)
        times = [time.monotonic() - begin[0],
                 self.emulator.cpu_seconds() - begin[1]]
        if answer[2] != b"0":
            sys.exit(f"{self.emulator.name}: {line}: {answer[1]!r}")
        self.emulator.wait_for(PROMPT, 60)
        return times, answer[1]
