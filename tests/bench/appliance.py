#!/usr/bin/env python3
"""What hardware virtualisation costs on the appliance, in QEMU's AMD-V.

The router image on the bare machine under each engine: the way from GRUB to the
console and, under svm, a minute at the prompt. Time is QEMU's instruction
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
from lan import Lan                                 # noqa: E402
from test_guest_linux import PROMPT, Shell          # noqa: E402

MONITOR = r"\(trestle\) $"
# Asleep, time goes on as it does on the LAN: TCP waits for the other end.
ICOUNT = ("-icount", "shift=0,sleep=on")
MINUTE = 60


class Router:
    """The router under one engine, at its prompt."""

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

    def lease(self):
        self.shell.run("until ip -4 addr show br-lan | grep -w inet; "
                       "do sleep 1; done", 600)


def measure(accel, lan, folder, limit):
    """Boot seconds; of svm, how busy a minute at the prompt is (0..1)."""
    router = Router(accel, lan, folder, limit)
    try:
        if accel == "interp":
            return router.boot_seconds, None
        router.lease()
        router.cpus()
        router.shell.run(f"sleep {MINUTE}", 300)
        return router.boot_seconds, router.cpus()[1]
    finally:
        router.appliance.close()


def report(boots, idles):
    lines = [f"Router image on the appliance, {datetime.date.today()}, "
             f"{cpu_name()}, QEMU {qemu_version()} TCG, -icount shift=0 "
             "(1 ns an instruction); targets: svm starts in at most 0.25 of "
             "interp's time and is under 2 % busy at the prompt.", "",
             "| engine | start to console, s | busy at the prompt, 60 s |",
             "|---|---|---|"]
    for accel, seconds in boots.items():
        busy = idles[accel]
        shown = "" if busy is None else f"{100 * busy:.1f} %"
        lines.append(f"| {accel} | {seconds:.1f} | {shown} |")
    if {"svm", "interp"} <= boots.keys():
        lines.append(f"| ratio | {boots['svm'] / boots['interp']:.2f} | |")
    return "\n".join(lines) + "\n"


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--engines", default="svm,interp")
    args.add_argument("--limit", type=int, default=600,
                      help="seconds that one run may take")
    args.add_argument("--out")
    args = args.parse_args()
    if os.geteuid():
        sys.exit("a network namespace needs root")
    boots, idles = {}, {}
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as s:
        folder = pathlib.Path(name)
        for accel in args.engines.split(","):
            lan = s.enter_context(Lan(folder))
            boots[accel], idles[accel] = measure(accel, lan, folder,
                                                 args.limit)
            s.pop_all().close()
    text = report(boots, idles)
    print(text)
    if args.out:
        with open(args.out, "a") as out:
            out.write("\n## Appliance\n\n" + text)


if __name__ == "__main__":
    main()
