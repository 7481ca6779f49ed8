"""Time: the timer in real time, and -icount."""
import re
import time

RESULT = "rounds ([0-9a-f]{8}) hash ([0-9a-f]{8})\r\n"


def run(trestle, guest, *args):
    """(rounds, hash, instructions) of a guest that ends in HLT for ever."""
    t = trestle("-m", 16, "-hda", guest("ticks"), *args)
    rounds, value = t.expect(RESULT).groups()
    t.to_monitor()
    counts = []
    while len(counts) < 2 or counts[-1] != counts[-2]:
        time.sleep(0.05)
        text = t.monitor("info status")
        counts.append(int(re.search(r"(\d+) instructions run", text)[1]))
    t.send("quit\r")
    assert t.ends() == 0
    return rounds, value, counts[-1]


def test_icount_is_deterministic(trestle, guest):
    """Whatever executes the instructions."""
    runs = {run(trestle, guest, "-icount", "shift=0", *accel)
            for accel in ((), (), ("-accel", "interp"),
                          ("-accel", "jit,window=on"))}
    assert len(runs) == 1


def test_icount_shift_is_the_speed(trestle, guest):
    """200 ticks of 1 ms take 2^N ns an instruction: fewer with each N."""
    rounds = [int(run(trestle, guest, "-icount", f"shift={n}")[0], 16)
              for n in (0, 2)]
    assert 3.9 < rounds[0] / rounds[1] < 4.1


def test_ticks_in_real_time(trestle, guest):
    """The timer neither runs away nor stands still."""
    t = trestle("-m", 16, "-S", "-hda", guest("ticks"))
    t.expect("128 sectors")
    t.to_monitor()
    start = time.monotonic()
    t.send("cont\r\x01c")
    t.expect(RESULT)
    assert 0.2 <= time.monotonic() - start < 20
