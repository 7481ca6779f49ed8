"""Guests that hang, and what becomes of them: watchdogs, guards, reports."""
import re
import shutil
import time

import pytest

from conftest import BUILD, Trestle
from test_router import Router

READY = "hang ready\r\n"
HANG = BUILD / "guests/hang.img"
LINUX_LIMIT = 400


@pytest.fixture
def hang(request):
    """The guest that does what is typed, with a machine's options."""
    started = []

    def start(*args, limit=40):
        t = Trestle("-m", "8", "-hda", HANG, "-snapshot", "-net", "none",
                    *args, limit=limit)
        started.append(t)
        t.expect(READY)
        return t

    yield start
    for t in started:
        t.session.close(force=True)


def do(t, keys):
    """Type them and wait until each is done."""
    for key in keys:
        t.send(key)
        t.expect(key)


def ask(t, command):
    t.to_monitor()
    text = t.monitor(command)
    t.to_console()
    return text


def starts_again(t):
    t.to_monitor()
    t.monitor("system_reset")
    t.monitor("cont")
    t.to_console()
    t.expect(READY)
    do(t, "x")


def test_ib700_resets(hang):
    t = hang("-watchdog", "ib700")
    do(t, "f")
    assert re.search(r"ib700: 3\.\d s left; expired 0 times\n"
                     r"watchdog action: reset\n", ask(t, "info watchdog"))
    for _ in range(3):
        time.sleep(1.5)
        do(t, "f")
    t.send("h")
    t.expect(r"the guest's watchdog expired \(action: reset\)")
    t.expect(READY)
    assert "expired 1 times" in ask(t, "info watchdog")


def test_i6300esb_resets_and_remembers(hang):
    t = hang("-device", "i6300esb")
    do(t, "e")
    for _ in range(4):
        time.sleep(1)
        do(t, "r")
    t.send("h")
    t.expect("watchdog expired")
    t.expect(READY)
    t.send("e")
    t.expect("it has timed out before\r\n")


@pytest.mark.parametrize("action, words, state", [
    ("pause", "action: pause", "paused (watchdog)"),
    ("none", "action: none", "running"),
])
def test_watchdog_actions(hang, action, words, state):
    t = hang("-watchdog", "ib700", "-watchdog-action", action)
    do(t, "f")
    t.send("h")
    t.expect(re.escape(words))
    assert f"VM status: {state}" in ask(t, "info status")
    starts_again(t)


def test_watchdog_powers_off(hang):
    t = hang("-action", "watchdog=poweroff", "-watchdog", "ib700")
    do(t, "f")
    t.expect("trestle: its watchdog switched it off")
    assert t.ends() == 0


def test_watchdog_action_in_the_monitor(hang):
    t = hang("-watchdog", "ib700")
    t.to_monitor()
    t.monitor("watchdog_action poweroff")
    assert "watchdog action: poweroff" in t.monitor("info watchdog")
    t.to_console()
    do(t, "f")
    t.expect("switched it off")
    assert t.ends() == 0


def test_reports(hang):
    t = hang("-device", "pvpanic")
    t.send("t")
    t.expect(r"triple fault \('info crashes': report 1\)")
    t.expect(READY)
    # Who types is told, once.
    t.send("y")
    t.expect(r"\[trestle, [-0-9]{10} [:0-9]{8} UTC:\r\n triple fault\r\n "
             r"'info crashes' in the monitor has all of it\]\r\n")
    t.expect("y")
    assert t.silent("info crashes")
    t.send("z")
    assert t.silent("info crashes")
    t.send("k")
    t.expect("report 2")
    text = ask(t, "info crashes")
    assert re.search(r"1: \S+ \S+ UTC: triple fault\nEAX=", text)
    assert re.search(r"IDT=     00000000 00000000", text)
    assert "\n2: " in text and "UTC: panic: Kernel panic - not sync" in text
    # What the kernel said after that line, too.
    assert text.rstrip().endswith("its console said last:\nhang ready\n"
                                  "hang ready\nyzKernel panic - not syncing: "
                                  "Attempted to kill init!\nCPU: 0 PID: 1 "
                                  "Comm: init\n---[ end Kernel panic - not "
                                  "syncing: Attempted to kill init! ]---")
    assert "[panic: Kernel panic" in ask(t, "serial_log")


def test_pvpanic(hang):
    t = hang("-device", "pvpanic", "-action", "panic=pause")
    t.send("p")
    t.expect("the guest's kernel panicked")
    assert "VM status: paused" in ask(t, "info status")


def test_no_shutdown(hang):
    t = hang("-no-shutdown")
    t.send("q")
    time.sleep(0.5)
    assert "VM status: paused" in ask(t, "info status")
    starts_again(t)


def test_reset_loop(hang):
    t = hang(limit=90)
    t.send("l")
    t.expect(r"it is reset in a loop: 5 times in \d+ s", timeout=60)
    text = ask(t, "info crashes")
    assert "triple fault\n" in text and "reset in a loop" in text


def test_silence(hang):
    """It hangs, is reset, hangs ...: each grace is longer, then no more."""
    t = hang("-guard", "silence=2,grace=1,backoff=2,restarts=2", limit=90)
    assert re.search(r"guard silence: (grace, for 1 s more|watches, 0 of 1 "
                     r"missed, looks in [12] s)\n  action reset, done 0 times, "
                     r"in a row 0 of 2\n", ask(t, "info watchdog"))
    begin = time.monotonic()
    for i in (1, 2):
        t.send("h")
        t.expect(r"guard silence: no sign of life for 2 s \(action: reset, "
                 f"{i} of 2\\)")
        t.expect(READY)
    assert time.monotonic() - begin > 2 * 3 - 1
    t.send("h")
    t.expect("guard silence: 2 times in a row did not help: nothing more is "
             "done")
    assert t.silent(READY, 4)
    text = ask(t, "info watchdog")
    assert "guard silence: gave up\n" in text
    assert re.search(r"done 2 times, in a row 2 of 2, last \d+ s ago", text)
    # Somebody is there.
    t.to_monitor()
    t.monitor("stop")
    t.monitor("system_reset")
    t.monitor("cont")
    assert "in a row 0 of 2" in t.monitor("info watchdog")


def test_resets_itself_for_ever(hang):
    """Never out of its grace: five of them are enough."""
    t = hang("-guard", "silence=2,grace=100,action=poweroff", limit=90)
    t.send("l")
    t.expect(r"guard silence: 5 resets in a row within its grace "
             r"\(action: poweroff, 1 of 5\)")
    t.expect("its guard switched it off")


def test_a_talking_guest_is_left_alone(hang):
    t = hang("-guard", "silence=2,grace=1")
    for _ in range(8):
        time.sleep(1)
        do(t, "x")
    assert "done 0 times" in ask(t, "info watchdog")


def test_ping_by_the_host(hang):
    """An address on no LAN of the machine's, as this host pings it."""
    t = hang("-guard", "ping=127.0.0.1,every=1,misses=2,grace=1")
    time.sleep(6)
    text = ask(t, "info watchdog")
    assert "guard ping 127.0.0.1: watches, 0 of 2 missed" in text
    assert "done 0 times" in text and "cannot ping" not in text


def conf(tmp_path, text):
    path = tmp_path / "trestle.conf"
    path.write_text(text.replace("HANG", str(HANG)))
    return path


def test_autostart(tmp_path):
    path = conf(tmp_path, """
m 8
snapshot
[wan]
hda HANG
net none
[lab]
hda HANG
net none
start-delay 4
[late]
hda HANG
net none
start-after test
[test]
hda HANG
net none
autostart off
""")
    t = Trestle("-readconfig", path)
    t.expect(READY)
    text = ask(t, "info machines")
    assert re.search(r"\* 1 +wan +running ", text)
    assert re.search(r"  2 +lab +starts in [1-4] s ", text)
    assert re.search(r"  3 +late +after test ", text)
    assert re.search(r"  4 +test +not started ", text)
    time.sleep(4.5)
    text = ask(t, "info machines")
    assert re.search(r"  2 +lab +running ", text)
    assert re.search(r"  4 +test +not started +\w+ +0\.000 s", text)
    t.send("\x014")
    t.expect("machine 4: test, not started")
    t.to_monitor()
    t.monitor("cont")
    t.to_console()
    t.expect(READY)
    assert re.search(r"  3 +late +running ", ask(t, "info machines"))
    t.session.close(force=True)


def test_start_after_a_circle(tmp_path):
    t = Trestle("-readconfig", conf(tmp_path, """
[a]
hda HANG
start-after b
[b]
hda HANG
snapshot
"""), "-snapshot")
    t.expect(r"\[a\]: it would start after itself: see -start-after")
    assert t.ends() == 1


def expires_under_linux(t, router, driver, setup):
    """Its driver's watchdog is fed for longer than its time, then not."""
    router.run(setup)
    router.run("watchdog -T 10 -t 1 /dev/watchdog; sleep 13")
    assert re.search(rf"{driver}: (stage [12], )?\d+\.\d s left",
                     ask(t, "info watchdog"))
    t.send("killall -STOP watchdog\r")
    t.expect("the guest's watchdog expired", timeout=60)


def test_linux(trestle, tmp_path):
    """Linux's own drivers of both watchdogs, and its panic by pvpanic; its
    address on a user-mode network is pinged."""
    image = shutil.copy(BUILD / "router.img", tmp_path / "router.img")
    t = trestle("-m", 64, "-hda", image, "-watchdog", "i6300esb", "-watchdog",
                "ib700", "-device", "pvpanic", "-net", "nic", "-net", "user",
                "-guard", "ping,every=1,misses=8,grace=1,backoff=1,calm=1,"
                "restarts=1000,action=debug", limit=LINUX_LIMIT)
    router = Router(t)
    router.log_in()
    expires_under_linux(t, router, "i6300esb", "modprobe i6300esb")
    router.log_in()
    # WDIOF_CARDRESET: the card remembers.
    assert router.run("modprobe i6300esb; "
                      "cat /sys/class/watchdog/watchdog0/bootstatus") == "32\n"
    router.run("rmmod i6300esb")
    t.to_monitor()
    t.monitor("watchdog_action none")
    t.to_console()
    expires_under_linux(t, router, "ib700", "modprobe ib700wdt")

    # The guard: it answers, and then no more.
    router.run("true")
    assert "watches, 0 of 8 missed" in ask(t, "info watchdog")
    t.send("ip link set br-lan down\r")
    t.expect("guard ping of the guest: no sign of life for 8 s", timeout=60)

    router.run("modprobe pvpanic-mmio; echo 1 > /proc/sys/kernel/panic")
    t.send("echo c > /proc/sysrq-trigger\r")
    t.expect(r"panic: Kernel panic - not syncing: sysrq triggered crash|"
             r"panic: Kernel panic - not syncing: Fatal exception")
    t.expect("Please press Enter")
    t.send("\r")
    assert re.search(r" 1  pvpanic: the guest panicked\n",
                     ask(t, "info network"))
