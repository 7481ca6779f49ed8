#!/usr/bin/env python3
"""What hardware virtualisation costs on the appliance, in QEMU's AMD-V.

The router image on the bare machine under each engine: the way from GRUB to the
prompt, a minute at the prompt, and two transfers. Time is QEMU's instruction
count, a nanosecond each, so that nothing else on this machine has a say.
Appends to the file given with --out.
"""
import argparse
import contextlib
import datetime
import os
import pathlib
import re
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "appliance"))

from conftest import BUILD, Appliance, make_iso     # noqa: E402
from emulator import cpu_name, qemu_version         # noqa: E402
from lan import HOST, Lan                           # noqa: E402
from test_guest_linux import PROMPT, Shell          # noqa: E402

MONITOR = r"\(trestle\) $"
# Asleep, time goes on as it does on the LAN: TCP waits for the other end.
ICOUNT = ("-icount", "shift=0,sleep=on")
BYTES = 10_000_000
MINUTE = 60


class Router:
    """The router under one engine, at its prompt, and what it counted."""

    def __init__(self, accel, lan, folder, limit):
        image = (BUILD / "router.img").read_bytes()
        medium = make_iso(folder / f"{accel}.iso", "-m 64 -hda router.img "
                          f"-net nic -net bridge -nographic -accel {accel}",
                          [("router.img", image)])
        self.appliance = Appliance(
            medium, "bios", folder, net=lan.qemu_net("e1000e"),
            inside=lan.inside, limit=limit, extra=("-cpu", "max", *ICOUNT))
        self.appliance.expect(rf"engine {accel}")
        self.appliance.expect(r"Please press Enter to activate this console")
        self.boot_seconds = self.cpus()[0]
        self.appliance.send("\r")
        self.appliance.expect(PROMPT)
        self.shell = Shell(self.appliance)

    def ask(self, *commands):
        """The monitor's answers; the focus goes there and back."""
        answers = []
        self.appliance.send("\x01c")
        self.appliance.expect(MONITOR)
        for command in commands:
            self.appliance.send(command + "\r")
            self.appliance.expect(re.escape(command) + r"\r\n")
            self.appliance.expect(MONITOR)
            answers.append(self.appliance.session.before)
        self.appliance.send("\x01c")
        return answers

    def cpus(self):
        """Seconds since the last look (or the start), and how busy (0..1)."""
        text, = self.ask("info cpus")
        seconds = re.search(r"busy in the last (\d+\.\d)", text)[1]
        busy = re.search(r"^0 +(\d+\.\d) %", text, re.M)[1]
        return float(seconds), float(busy) / 100

    def counts(self):
        """Exits, instructions interpreted, frames into and out of the card."""
        engine, network = self.ask("info engine", "info network")

        def count(what, text=engine, default=0):
            found = re.search(what, text, re.M)
            return int(found[1]) if found else default

        return {
            "exits": count(r"(\d+) entries into the guest"),
            "interpreted": count(r"(\d+) instructions interpreted"),
            "in": count(r"\bin=(\d+)", network),
            "out": count(r"\bout=(\d+)", network),
        }

    def during(self, command, timeout=1500):
        """What was counted while the shell ran `command`."""
        before = self.counts()
        self.cpus()
        self.shell.run(command, timeout)
        seconds, busy = self.cpus()
        after = self.counts()
        counted = {k: after[k] - before[k] for k in after}
        return counted | {"seconds": seconds, "busy": busy}

    def lease(self):
        self.shell.run("until ip -4 addr show br-lan | grep -w inet; "
                       "do sleep 1; done", 600)


def transfer_row(name, c):
    frames = max(c["in"] + c["out"], 1)
    ns = c["seconds"] * 1e9 * c["busy"]
    return (f"| {name} | {c['in']} | {c['out']} | {c['exits'] / frames:.1f} | "
            f"{c['interpreted'] / frames:.0f} | "
            f"{ns / max(c['exits'], 1):.0f} | {ns / frames:.0f} |")


def measure(accel, lan, folder, limit):
    """Boot seconds, idle share, and table rows of the transfers."""
    router = Router(accel, lan, folder, limit)
    try:
        router.lease()
        idle = router.during(f"sleep {MINUTE}")
        rows = []
        if accel != "interp":
            url = f"http://{HOST}:8000/data"
            rows.append(transfer_row("to the router", router.during(
                f"wget -q -O /tmp/data {url}")))
            rows.append(transfer_row("from the router", router.during(
                f"nc {HOST} 8001 < /tmp/data")))
        return router.boot_seconds, idle, rows
    finally:
        router.appliance.close()


def report(boots, idles, rows):
    lines = [f"Router image on the appliance, {datetime.date.today()}, "
             f"{cpu_name()}, QEMU {qemu_version()} TCG, -icount shift=0 "
             "(1 ns an instruction)", "",
             "| engine | start to console, s | busy at the prompt, 60 s |",
             "|---|---|---|"]
    for accel, seconds in boots.items():
        lines.append(f"| {accel} | {seconds:.1f} | "
                     f"{100 * idles[accel]['busy']:.1f} % |")
    if rows:
        lines += ["", f"{BYTES // 1000000} MB by TCP under svm; a frame is one "
                  "in either direction; the host's and the guest's "
                  "instructions together.", "",
                  "| way | frames in | out | exits a frame | interpreted a "
                  "frame | instructions an exit | a frame |",
                  "|---|---|---|---|---|---|---|", *rows]
    return "\n".join(lines) + "\n"


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--engines", default="svm,interp")
    args.add_argument("--limit", type=int, default=5400,
                      help="seconds that one run may take")
    args.add_argument("--out")
    args = args.parse_args()
    if os.geteuid():
        sys.exit("a network namespace needs root")
    boots, idles, rows = {}, {}, []
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as s:
        folder = pathlib.Path(name)
        (folder / "data").write_bytes(os.urandom(BYTES))
        for accel in args.engines.split(","):
            lan = s.enter_context(Lan(folder))
            lan.start("/usr/bin/python3", "-m", "http.server", "-d", folder,
                      "--bind", HOST, "8000")
            lan.start("/usr/bin/python3", "-c", SINK)
            boots[accel], idles[accel], more = measure(accel, lan, folder,
                                                       args.limit)
            rows += more
            s.pop_all().close()
    text = report(boots, idles, rows)
    print(text)
    if args.out:
        with open(args.out, "a") as out:
            out.write("\n## Appliance\n\n" + text)


# Takes what comes on port 8001 and drops it.
SINK = f"""
import socket
s = socket.create_server(("{HOST}", 8001))
while True:
    c = s.accept()[0]
    while c.recv(65536):
        pass
    c.close()
"""

if __name__ == "__main__":
    main()
