"""Frames from one physical NIC to another over the bridge, by the appliance.

No guest has a part in it: the one machine's firmware finds nothing to boot.
"""
import contextlib
import re
import struct
import threading
import time

from conftest import Appliance, make_iso
from looks import Monitor
from wire import BROADCAST, PEER, Wire

WINDOW = 100                    # frames under way; virtio's ring takes 128
WARM_UP = 2000
FRAMES = 50000
PARTS = 2                       # of so many frames; the less is taken
QUIET = 0.05                    # how busy a PC is with an idle firmware
OTHER = bytes.fromhex("020000000002")
IN = re.compile(r"in=(\d+) \(")
LOST = re.compile(r"\b(?:in|out|nic)_(?!total)\w+=(\d+)")


class Stream:
    """Both wires' other ends: what comes out on the right goes in on the left.

    In bunches, as this program is slower than the appliance by the frame.
    """

    def __init__(self, left, right, size):
        frame = OTHER + PEER + b"\x88\xb5" + bytes(size - 14)
        self.frame = struct.pack(">I", size) + frame
        # Where `OTHER` is: then nothing is flooded.
        right.send(BROADCAST + OTHER + b"\x88\xb5" + bytes(46))
        assert left.receive()[6:12] == OTHER
        self.left, self.right = left.connected(), right.connected()
        self.arrived = 0
        self.room = threading.Condition()
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        late = 0
        with contextlib.suppress(OSError):
            self.left.settimeout(None)
            self.right.settimeout(None)
            self.left.sendall(self.frame * WINDOW)
            while data := self.right.recv(1 << 20):
                frames, late = divmod(late + len(data), len(self.frame))
                self.left.sendall(self.frame * frames)
                with self.room:
                    self.arrived += frames
                    self.room.notify()

    def wait(self, more, limit):
        """Until so many more came through."""
        with self.room:
            end = self.arrived + more
            assert self.room.wait_for(lambda: self.arrived >= end, limit)


def look(monitor):
    """Since the last look: ns, share of them awake; in all: frames, lost."""
    cpus, network = monitor.ask("info cpus", "info network")
    return (float(re.search(r"busy in the last (\d+\.\d+) s", cpus)[1]) * 1e9,
            float(re.search(r"(?m)^0 +(\d+\.\d) %", cpus)[1]) / 100,
            sum(map(int, IN.findall(network))),
            sum(map(int, LOST.findall(network))))


def wait_until_quiet(monitor, limit):
    end = time.monotonic() + limit
    look(monitor)
    while True:
        time.sleep(1)
        if look(monitor)[1] < QUIET:
            return
        assert time.monotonic() < end


def measure(model, size, folder, limit, icount):
    """Instructions a frame with two NICs of `model`, and frames lost."""
    folder.mkdir()
    left, right = (Wire(folder, name) for name in ("left", "right"))
    medium = make_iso(folder / "bridge.iso", "-m 16 -net bridge,nic=0 "
                      "-net bridge,nic=1 -nographic")
    appliance = Appliance(medium, "bios", folder, limit=limit,
                          net=left.qemu(model) + right.qemu(model),
                          extra=icount)
    try:
        for _ in range(2):
            appliance.expect("link up")
        monitor = Monitor(appliance)
        wait_until_quiet(monitor, limit)
        stream = Stream(left, right, size)
        stream.wait(WARM_UP, limit)
        *_, before, lost_before = look(monitor)
        costs = []
        for _ in range(PARTS):
            stream.wait(FRAMES, limit)
            ns, busy, after, lost = look(monitor)
            costs.append(ns * busy / (after - before))
            before = after
        return min(costs), lost - lost_before
    finally:
        appliance.close()
        left.close()
        right.close()


ABOUT = """\
Frames from one NIC to another over the bridge, while frames always wait: the
processor's instructions while awake, a frame. Target: at most 1,500.
"""
MODELS = ("e1000", "virtio-net-pci")
SIZES = (60, 1514)              # without FCS: 64 bytes is the least on a wire


def report(folder, limit, icount):
    """Lines of a table, a line for each model and size."""
    lines = [ABOUT, "| bridge, wire to wire | bytes | instructions a frame | "
             "lost |", "|---|---|---|---|"]
    for model in MODELS:
        for size in SIZES:
            cost, lost = measure(model, size, folder / f"{model}-{size}",
                                 limit, icount)
            lines.append(f"| {model} | {size} | {cost:.0f} | {lost} |")
    return lines
