"""Several cores: all come up, keep the platform's contract, run guests, stop in
a panic."""
import re

import pytest

from accel import PLAIN, SVM
from console import PROMPT, monitor, show, switch_off, to_monitor
from guests import NO_GUEST, boot_guest, boot_machines


@pytest.mark.parametrize("firmware", ["bios", "uefi"])
@pytest.mark.parametrize("cores", [1, 2, 4])
def test_platform(boot, firmware, cores):
    """The tests of tests/unit/test_platform.c, on the bare machine."""
    appliance = boot("-selftest platform " + NO_GUEST, firmware=firmware,
                     extra=("-smp", str(cores)))
    if cores > 1:
        appliance.expect(rf"cores: {cores} of {cores}")
    result = appliance.expect(r"selftest: (\d+) cores, (\d+) passed, "
                              r"(\d+) failed")
    assert result[1] == str(cores)
    assert int(result[2]) >= 6 and result[3] == "0"
    assert appliance.ends() == 0


def test_platform_x2apic(boot):
    """With a CPU that has one: firmware hands over in xAPIC mode, and with
    IDs beyond 8 bits in x2APIC mode; QEMU's TCG knows only the first."""
    appliance = boot("-selftest platform " + NO_GUEST,
                     extra=("-smp", "3", "-cpu", "max"))
    appliance.expect(r"selftest: 3 cores, \d+ passed, 0 failed")
    assert appliance.ends() == 0


def test_more_cores_than_are_used(boot):
    appliance = boot(NO_GUEST, extra=("-smp", "10"))
    appliance.expect(r"cores: 8 of 10")
    appliance.expect(r"2 cores left out: 8 are in use")
    appliance.expect(r"engine \w+")
    switch_off(appliance)


def test_panic_on_another_core(boot):
    """Its function is named, the others are stopped, it ends."""
    appliance = boot("-selftest core -no-reboot " + NO_GUEST,
                     extra=("-smp", "4"))
    appliance.expect(r"PANIC: self-test, asked for by -selftest")
    appliance.expect(r"core 1, build id [0-9a-f]{40}")
    text = appliance.expect(r"(?s)backtrace:(.*?)(?=core 0)")[1]
    names = re.findall(r"[0-9a-f]{16}  (\w+)(?:\.\w+)*\+0x", text)
    assert names[:2] == ["selftest_fatal", "selftest_core"]
    assert names[-1] == "smp_core_main"
    for core in (0, 2, 3):
        appliance.expect(rf"{core} stopped [0-9a-f]{{16}}  \w+")
    appliance.expect(r"halted \(-no-reboot\)")


def test_stack_overflow_on_another_core(boot):
    """Every core's stack has a guard page."""
    appliance = boot("-selftest corestack -no-reboot " + NO_GUEST,
                     extra=("-smp", "2"))
    appliance.expect(r"PANIC: exception 8 \(double fault\)")
    appliance.expect(r"core 1, build id")
    appliance.expect(r"selftest_stack(?:\.\w+)*\+0x")
    appliance.expect(r"halted \(-no-reboot\)")


def test_all_cores_panic_at_once(boot):
    """One report, whole, that names the others; and the end."""
    appliance = boot("-selftest cores -no-reboot " + NO_GUEST,
                     extra=("-smp", "4"))
    appliance.expect(r"PANIC: self-test, asked for by -selftest")
    appliance.expect(r"core (\d), build id")
    appliance.expect(r"core 0 stopped")
    appliance.expect(r"last log lines:")
    appliance.expect(r"halted \(-no-reboot\)")
    assert "PANIC" not in appliance.session.before


def test_panic_on_another_core_restarts(boot):
    appliance = boot("-selftest core " + NO_GUEST, extra=("-smp", "2"),
                     limit=90)
    appliance.expect(r"restarting in 10 s")
    appliance.expect(r"Trestle on the bare machine", timeout=60)


@pytest.mark.parametrize("cores,firmware,options", [
    (1, "bios", ""), (4, "bios", ""), (4, "uefi", ""), (4, "bios", "-cores 1")])
def test_guest_has_a_core(boot, cores, firmware, options):
    """The I/O core echoes, asks and resets what another core runs."""
    alone = cores == 1 or options
    appliance = boot_guest(boot, "uart_echo", options, firmware=firmware,
                           extra=("-smp", str(cores)), limit=300)
    appliance.expect(r"uart_echo ready\r\n")
    data = "".join(f"{i:05d}," for i in range(1000))
    appliance.paste(data.encode())
    appliance.expect(data[-6:])
    assert appliance.session.before + data[-6:] == data
    to_monitor(appliance)
    text = monitor(appliance, "info cpus")
    where = dict(re.findall(r"(?m)^(\d)  .* %  +(.*?)\r$", text))
    assert len(where) == cores
    assert where["0"] == "consoles, network" + (" trestle" if alone else "")
    assert cores == 1 or where["1"] == ("" if alone else "trestle")
    assert re.search(r"EIP=[0-9a-f]{8}", monitor(appliance, "info registers"))
    monitor(appliance, "stop")
    assert "paused" in monitor(appliance, "info status")
    monitor(appliance, "cont")
    monitor(appliance, "system_reset")
    appliance.send("\x01c")
    appliance.expect(r"uart_echo ready\r\n")
    appliance.send("~p")
    assert appliance.ends() == 0


@pytest.mark.parametrize("cpu", [PLAIN, SVM], ids=["jit", "svm"])
@pytest.mark.parametrize("cores", [1, 2, 4])
def test_spinning_machines_harm_no_other(boot, cores, cpu):
    """Two spin with interrupts off, one crashes, one echoes: the console and
    the monitor answer, and what the others do is theirs."""
    appliance = boot_machines(boot, {
        "echo": ("uart_echo",), "left": ("spin",), "right": ("spin",),
        "crash": ("uart_echo",)}, extra=("-smp", str(cores), *cpu), limit=400)
    appliance.expect("echo: engine " + ("jit" if cpu == PLAIN else "svm"))
    appliance.expect("uart_echo ready\r\n")
    for number, name in ((2, "left"), (3, "right")):
        show(appliance, number, name)
        appliance.expect("spin ready")
    show(appliance, 4, "crash")
    appliance.expect("uart_echo ready\r\n")
    appliance.send("~t")
    appliance.expect("uart_echo ready\r\n")
    show(appliance, 1, "echo")
    data = "".join(f"{i:05d}," for i in range(500))
    appliance.paste(data.encode())
    appliance.expect(data[-6:])
    assert appliance.session.before + data[-6:] == data
    to_monitor(appliance)
    text = monitor(appliance, "info cpus")
    rows = [row.split() for row in re.findall(r"(?m)^\d  .* %  +(.*?)\r$", text)]
    assert sorted(sum(rows, [])) == sorted(
        ["consoles,", "network", "echo", "left", "right", "crash"])
    if cores > 1:
        assert rows[0] == ["consoles,", "network"]
        # As even as four on so many cores can be.
        assert max(map(len, rows[1:])) - min(map(len, rows[1:])) <= 1
    monitor(appliance, "machine left")
    for _ in range(10):
        assert re.search(r"EIP=[0-9a-f]{8}", monitor(appliance,
                                                     "info registers"))
    appliance.send("stop\r")
    appliance.expect(PROMPT)
    assert "paused" in monitor(appliance, "info status")
    appliance.send("quit\r")
    assert appliance.ends() == 0


def ran(appliance):
    """Seconds that each machine has run, by name."""
    text = monitor(appliance, "info machines")
    return {name: float(seconds) for name, seconds in re.findall(
        r"(?m)^. \d +(\S+) .* ([\d.]+) s\r$", text)}


@pytest.mark.alone
@pytest.mark.parametrize("busy", [{}, {"d": ("spin", "icount shift=0",
                                             "accel interp")}],
                         ids=["", "I/O core never idle"])
def test_three_share_two_cores_evenly(boot, busy):
    """Where they do not come out even, machines change places."""
    appliance = boot_machines(boot, {
        **{name: ("spin",) for name in ("a", "b", "c")}, **busy},
        extra=("-smp", "3"), limit=400)
    appliance.expect("spin ready")
    for number, name in ((2, "b"), (3, "c")):
        show(appliance, number, name)
        appliance.expect("spin ready")
    to_monitor(appliance)
    before = ran(appliance)
    while True:
        spent = {name: now - before[name]
                 for name, now in ran(appliance).items() if name != "d"}
        if sum(spent.values()) > 12:
            break
    assert max(spent.values()) < 1.3 * min(spent.values()), spent
    appliance.send("quit\r")
    assert appliance.ends() == 0
