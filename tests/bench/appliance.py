#!/usr/bin/python3
"""The engines on the appliance; svm's is QEMU's AMD-V.

Echoes by the tiny guest ne2k_echo; then the router image: from GRUB to its
console under each engine and, under svm, a minute at the prompt and TCP each
way; and frames from NIC to NIC (bridge.py). Time is QEMU's instruction count, a
nanosecond each, so that nothing else on this machine has a say. Prints a report
and writes it to --out.
"""
import argparse
import contextlib
import hashlib
import json
import os
import pathlib
import re
import socket
import struct
import sys
import tempfile
import threading

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "appliance"))

import bridge                                       # noqa: E402
from conftest import BUILD, Appliance, make_iso     # noqa: E402
from emulator import heading, write                 # noqa: E402
from lan import HOST, Lan                           # noqa: E402
from looks import (CAUSES_HEAD, HEAD, Monitor,      # noqa: E402
                   all_a_frame, between, causes_row, row)
from shell import PROMPT, Shell                     # noqa: E402
from wire import PEER, Wire                         # noqa: E402

# Asleep, time goes on as it does on the LAN: TCP waits for the other end.
ICOUNT = ("-icount", "shift=0,sleep=on")
MINUTE = 60
FRAME = 1514
WINDOW = 192                    # frames under way; a ring has 256 slots
WARM_UP = 400
ECHOES = 2000
PARTS = 4                       # of so many echoes; the least is taken
# GRUB's own console, for a line that tells when it began.
GRUB = ("insmod serial", "serial --unit=0 --speed=115200",
        "terminal_output serial", "echo GRUB begins")
PM_TIMER = 0x608                # as SeaBIOS sets it up on q35
PM_HZ = 3579545
PM_BITS = 24


class Qmp:
    """QEMU's own monitor."""

    def __init__(self, path):
        self.path = str(path)
        self.file = None

    def arguments(self):
        return ("-qmp", f"unix:{self.path},server=on,wait=off")

    def command(self, line):
        """One of its human commands."""
        if not self.file:
            end = socket.socket(socket.AF_UNIX)
            end.connect(self.path)
            self.file = end.makefile("rw")
            json.loads(self.file.readline())
            self.execute("qmp_capabilities")
        return self.execute("human-monitor-command", {"command-line": line})

    def execute(self, name, arguments=None):
        json.dump({"execute": name, "arguments": arguments or {}}, self.file)
        self.file.write("\n")
        self.file.flush()
        while "return" not in (answer := json.loads(self.file.readline())):
            assert "event" in answer, answer
        return answer["return"]

    def pm_timer(self):
        return int(self.command(f"i /w {PM_TIMER:#x}").split("=")[1], 16)


# ---- Echoes ------------------------------------------------------------------

class Echo:
    """The other end of the wire: keeps `WINDOW` frames under way, for ever.

    In bunches, as this program is slower than the guest by the frame.
    """

    def __init__(self, wire, mac):
        self.socket = wire.connected()
        frame = mac + PEER + b"\x88\xb5" + bytes(FRAME - 14)
        self.frame = struct.pack(">I", FRAME) + frame
        self.echoed = 0
        self.room = threading.Condition()
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        late = 0
        with contextlib.suppress(OSError):
            self.socket.settimeout(None)
            self.socket.sendall(self.frame * WINDOW)
            while data := self.socket.recv(1 << 20):
                frames, late = divmod(late + len(data), len(self.frame))
                self.socket.sendall(self.frame * frames)
                with self.room:
                    self.echoed += frames
                    self.room.notify()

    def wait(self, more, limit):
        """Until so many more came back."""
        with self.room:
            end = self.echoed + more
            assert self.room.wait_for(lambda: self.echoed >= end, limit)


def pc(accel):
    """A processor that virtualises, or for the other engines one without."""
    return ("-cpu", "max" if accel == "svm" else "qemu64,-svm")


def measure_echo(accel, folder, limit):
    """Between two looks, while frames always wait for the guest."""
    folder.mkdir()
    wire = Wire(folder)
    image = (BUILD / "guests/ne2k_echo.img").read_bytes()
    medium = make_iso(folder / "echo.iso", "-m 8 -hda guest.img -net nic "
                      f"-net bridge -nographic -accel {accel}",
                      [("guest.img", image)])
    appliance = Appliance(medium, "bios", folder, net=wire.qemu("e1000e"),
                          limit=limit, extra=(*pc(accel), *ICOUNT))
    try:
        mac = bytes.fromhex(appliance.expect(r"ne2k_echo mac (\w{12})0000")[1])
        echo = Echo(wire, mac)
        echo.wait(WARM_UP, limit)
        monitor = Monitor(appliance)
        looks = [monitor.look()]
        for _ in range(PARTS):
            echo.wait(ECHOES, limit)
            looks.append(monitor.look())
        # On a busy machine the other end is late at times: the guest polls.
        return min(map(between, looks, looks[1:]), key=all_a_frame)
    finally:
        appliance.close()
        wire.close()


# ---- The router --------------------------------------------------------------

class Router:
    """The router under one engine, at its prompt."""

    def __init__(self, accel, lan, folder, limit):
        image = (BUILD / "router.img").read_bytes()
        medium = make_iso(folder / f"{accel}.iso", "-m 64 -hda router.img "
                          f"-net nic -net bridge -nographic -accel {accel}",
                          [("router.img", image)], before=GRUB)
        qmp = Qmp(folder / f"{accel}.qmp")
        self.appliance = Appliance(
            medium, "bios", folder, net=lan.qemu_net("e1000e"),
            inside=lan.inside, limit=limit,
            extra=(*pc(accel), *ICOUNT, *qmp.arguments()))
        self.monitor = Monitor(self.appliance)
        self.appliance.expect(r"GRUB begins")
        begin = qmp.pm_timer()
        self.appliance.expect(r"Trestle on the bare machine")
        ticks = (qmp.pm_timer() - begin) % (1 << PM_BITS)
        self.appliance.expect(rf"engine {accel}")
        self.appliance.expect(r"Please press Enter to activate this console")
        self.boot_seconds = ticks / PM_HZ + self.monitor.look()["ns"] / 1e9
        self.appliance.send("\r")
        self.appliance.expect(PROMPT)
        self.shell = Shell(self.appliance)

    def lease(self):
        self.shell.run("until ip -4 addr show br-lan | grep -w inet; "
                       "do sleep 1; done", 600)
        return re.search(r"inet ([\d.]+)/", self.shell.run(
            "ip -4 addr show br-lan"))[1]

    def idle(self):
        """How busy the host is in a minute at the prompt (0..1)."""
        self.monitor.look()
        self.shell.run(f"sleep {MINUTE}", 300)
        return self.monitor.look()["busy"] / 100

    def transfers(self, lan, folder, address, megabytes):
        """TCP each way: [(name, between two looks)]. The LAN has a server."""
        data = os.urandom(int(megabytes * 1e6))
        (folder / "d").write_bytes(data)
        want = hashlib.sha256(data).hexdigest()
        self.shell.run("httpd -p 80 -h /tmp")
        looks = [self.monitor.look()]
        self.shell.run(f"wget -qO /tmp/d {HOST}:8000/d", 600)
        looks.append(self.monitor.look())
        back = lan.run("/usr/bin/python3", "-c",
                       "import sys, urllib.request as u;"
                       f"sys.stdout.buffer.write(u.urlopen('http://{address}/d'"
                       ", timeout=300).read())", timeout=600).stdout
        looks.append(self.monitor.look())
        assert want in self.shell.run("sha256sum /tmp/d", 300)
        assert hashlib.sha256(back).hexdigest() == want
        return [("TCP to the router", between(looks[0], looks[1])),
                ("TCP from it", between(looks[1], looks[2]))]


def measure_router(accel, folder, args):
    """(boot seconds, idle share, transfers); the last two of svm."""
    with Lan(folder) as lan:
        lan.start("/usr/bin/python3", "-m", "http.server", "-d", folder,
                  "--bind", HOST, "8000")
        router = Router(accel, lan, folder, args.limit)
        try:
            if accel != "svm":
                return router.boot_seconds, None, []
            address = router.lease()
            idle = router.idle()
            return (router.boot_seconds, idle, router.transfers(
                lan, folder, address, args.megabytes))
        finally:
            router.appliance.close()


# ---- The report --------------------------------------------------------------

ABOUT = """
`make bench-appliance` (part of `make bench`). Router image and the tests'
ne2k_echo on the appliance, `-icount shift=0,sleep=on`: 1 ns an instruction, so
that other work on the machine has no say; QEMU's `-cpu max` for svm, and
`qemu64,-svm` for the others. GRUB counts from its first line on. Targets:
svm / interp at most 0.25, under 2 % busy; jit / interp at most 0.5.
"""
ABOUT_FRAMES = """\
Frames, either way, from a wire where they always wait (echoes, 1514 bytes) and
by TCP from and to a host on a TAP device (2 MB by HTTP). Instructions at an
exit are the host's between an exit and the next entry, with what they interpret
of the guest; natively are the guest's, and some 100 of the entry. All is what
the processor executed while awake, the bridge's share and the guest's own
included. Target: at most 6 exits a frame.
"""


def report_routers(routers):
    lines = ["| engine | GRUB to console, s | busy at the prompt, 60 s |",
             "|---|---|---|"]
    for accel, (seconds, idle, _) in routers.items():
        shown = "" if idle is None else f"{100 * idle:.1f} %"
        lines.append(f"| {accel} | {seconds:.1f} | {shown} |")
    for accel in routers if "interp" in routers else ():
        if accel != "interp":
            ratio = routers[accel][0] / routers["interp"][0]
            lines.append(f"| {accel} / interp | {ratio:.2f} | |")
    return lines


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--engines", default="svm,jit,interp")
    args.add_argument("--limit", type=int, default=1200,
                      help="seconds that one run may take")
    args.add_argument("--megabytes", type=float, default=2,
                      help="of TCP each way")
    args.add_argument("--echo-only", action="store_true")
    args.add_argument("--bridge-only", action="store_true")
    args.add_argument("--out")
    args = args.parse_args()
    if os.geteuid():
        sys.exit("a network namespace needs root")
    engines = () if args.bridge_only else args.engines.split(",")
    frames, routers = [], {}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        wires = [] if args.echo_only else bridge.report(folder, args.limit,
                                                        ICOUNT)
        for accel in engines:
            frames.append((f"echoes, {accel}", measure_echo(
                accel, folder / f"echo-{accel}", args.limit)))
        for accel in () if args.echo_only else engines:
            routers[accel] = measure_router(accel, folder, args)
            frames += routers[accel][2]
    lines = [ABOUT]
    if routers:
        lines += report_routers(routers) + [""]
    if frames:
        lines += [ABOUT_FRAMES, HEAD, *(row(*f) for f in frames)]
    if exits := [causes_row(*f) for f in frames if "exits" in f[1]]:
        lines += ["", CAUSES_HEAD, *exits]
    if wires:
        lines += ["", *wires]
    write("Appliance", heading().rstrip() + "\n" + "\n".join(lines), args.out)


if __name__ == "__main__":
    main()
