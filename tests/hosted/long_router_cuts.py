"""A router on the hosted program, whose disk loses power while it writes: what
was synced is there, and its file systems are well (tests/long/cut_files.c).

Environment: HOSTED_ROUTER_CUTS (200), CUT_SEED (1).
"""
import os
import pathlib
import random
import re
import signal
import time

import pexpect

import cut_router

CUTS = int(os.environ.get("HOSTED_ROUTER_CUTS", 200))
SEED = int(os.environ.get("CUT_SEED", 1))
CYLINDERS = 64                          # of the ext4
NUMBERS, FIRST = 1000, 10               # of files: of a boot, and its first


def test_router(trestle, tmp_path, monkeypatch):
    path, moments, lost = tmp_path / "disk.img", random.Random(SEED), 0
    path.write_bytes(cut_router.make_disk(tmp_path, CYLINDERS))
    start, synced, files = time.monotonic(), FIRST - 1, 0
    for cut in range(CUTS + 1):
        monkeypatch.setenv("CUT_SEED", str(SEED * CUTS + cut))
        t = trestle("-m", 64, "-hda", path, "-net", "none", limit=600,
                    program="trestle-cuts")
        shell = cut_router.log_in(t)
        if cut:
            cut_router.check_small_files(shell, synced, first)
        if cut == CUTS:
            break
        first = cut * NUMBERS + FIRST
        t.send(f"./work {first}\r")
        t.expect(f"synced {first}\r\n")
        cut_power(t, moments.uniform(0, 2))
        synced = max(first, cut_router.last_synced(t.before, first))
        files += synced - first + 1
        lost += int(re.search(r"cut: (\d+) sectors lost", t.before)[1])
        cut_router.check_ext4(path.read_bytes(), tmp_path,
                              cylinders=CYLINDERS)
    print(f"{CUTS} cuts, {files} files synced, {lost} sectors lost that were "
          f"not flushed, {time.monotonic() - start:.0f} s")
    assert lost


def cut_power(t, seconds):
    """After so long, while the guest writes."""
    timeout = t.session.pid
    children = pathlib.Path(f"/proc/{timeout}/task/{timeout}/children")
    time.sleep(seconds)
    os.kill(int(children.read_text()), signal.SIGUSR1)
    t.session.expect(pexpect.EOF)
    t.session.close()
    assert t.session.exitstatus == 99
