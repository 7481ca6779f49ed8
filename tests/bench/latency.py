#!/usr/bin/python3
"""How long the consoles take to answer while other machines spin.

Runs the hosted program with an echo guest and N guests that spin with
interrupts off, on one core, and times single keys: to the monitor's echo and to
the guest's. Prints a table; appends it to the file given with --out.
"""
import argparse
import datetime
import os
import pathlib
import statistics
import tempfile
import time

import pexpect

from emulator import cpu_name, write

ESCAPE = "\x01"
SPINNING = (0, 1, 2, 8)


def start(trestle, guests, spinning, folder):
    """The program with its echo guest ready and the others spinning."""
    conf = f"cores 1\nsnapshot\nm 1\n[echo]\nhda {guests}/uart_echo.img\n"
    conf += "".join(f"[spin{n}]\nhda {guests}/spin.img\n"
                    for n in range(spinning))
    path = pathlib.Path(folder, "trestle.conf")
    path.write_text(conf)
    session = pexpect.spawn(
        "timeout", ["300", trestle, "-readconfig", str(path), "-nographic"],
        timeout=60, echo=False, encoding="latin-1")
    session.delaybeforesend = None
    session.expect("uart_echo ready\r\n")
    for n in range(spinning):
        session.send(f"{ESCAPE}{n + 2}")
        session.expect("spin ready\r\n")
    session.send(ESCAPE + "1")
    session.expect(r"\[machine 1: echo, running\]\r\n")
    return session


def on_cpu_ms(session):
    """Processor time of the program's main thread."""
    pid = session.pid
    child = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()
    stat = pathlib.Path(f"/proc/{child.split()[0]}/schedstat").read_text()
    return int(stat.split()[0]) / 1e6


def key_times(session, count):
    """(wall, own processor time) in ms from key to echo, `count` times."""
    times = []
    for _ in range(count):
        begin = time.monotonic(), on_cpu_ms(session)
        session.send("k")
        session.expect("k")
        times.append(((time.monotonic() - begin[0]) * 1000,
                      on_cpu_ms(session) - begin[1]))
    return times


def columns(times):
    """Median and most of the wall time, most of the processor time."""
    wall, own = zip(*times)
    return f"{statistics.median(wall):.2f} | {max(wall):.2f} | {max(own):.2f}"


def row(args, spinning, folder):
    session = start(args.trestle, args.guests, spinning, folder)
    guest = key_times(session, args.keys)
    session.send(ESCAPE + "c")
    session.expect(r"\(trestle\) ")
    monitor = []
    while len(monitor) < args.keys:
        monitor += key_times(session, 100)
        session.send("\x15")            # rub the line out: it is short
    session.close(force=True)
    return f"| {spinning} | {columns(monitor)} | {columns(guest)} |"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("trestle")
    parser.add_argument("guests", help="folder of the tests' guests")
    parser.add_argument("--keys", type=int, default=500)
    parser.add_argument("--out")
    args = parser.parse_args()
    lines = [f"One key's echo on one core, {datetime.date.today()}, "
             f"{cpu_name()}, {os.cpu_count()} processors with a load of "
             f"{os.getloadavg()[0]:.1f} at the start; {args.keys} keys each",
             "",
             "| machines that spin | monitor ms: median | most | most on the "
             "processor | guest ms: median | most | most on the processor |",
             "|---|---|---|---|---|---|---|"]
    with tempfile.TemporaryDirectory() as folder:
        lines += [row(args, n, folder) for n in SPINNING]
    write("Consoles beside spinning machines", "\n".join(lines), args.out)


if __name__ == "__main__":
    main()
