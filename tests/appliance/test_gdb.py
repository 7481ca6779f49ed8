"""gdb debugs a guest of the appliance's, through lwIP on a LAN of QEMU's."""
import pytest

from accel import PLAIN, SVM
from conftest import BUILD
from console import ESCAPE, ask_monitor, monitor, to_monitor
from gdb import gdb, wait_until_it_runs       # gdb: the fixture
from long64_debug import debug_long64
from guests import boot_guest
from together import free_port


@pytest.mark.parametrize("host, engine", [(SVM, "svm"), (PLAIN, "jit")],
                         ids=["svm", "jit"])
def test_tiny_guest(boot, gdb, host, engine):
    """Breakpoints, steps, a watchpoint, Ctrl-C, and on without it."""
    port = free_port()
    appliance = boot_guest(
        boot, "debugged", "-net bridge,ip=10.0.2.15/24 -gdb tcp::1234",
        net=("-netdev", "user,id=u,"
             f"hostfwd=tcp:127.0.0.1:{port}-10.0.2.15:1234",
             "-device", "e1000,netdev=u"), extra=host, limit=400)
    appliance.expect(rf"engine {engine},")
    appliance.expect(r"gdb: listening on 0\.0\.0\.0:1234")
    appliance.expect("debugged runs")
    g = gdb(BUILD / "guests/debugged.elf", limit=300)
    g.attach("127.0.0.1", port)
    g.run("break *one_round")
    rounds = []
    for _ in range(5):
        assert "Breakpoint 1, " in g.run("continue")
        assert g.value("$eip") == g.value("(unsigned)&one_round")
        rounds.append(g.value("*(unsigned *)($esp + 4)"))
    assert rounds == list(range(rounds[0], rounds[0] + 5))
    before = g.value("$eip")
    g.run("stepi")
    assert g.value("$eip") == before + 1        # PUSH EBP
    assert g.value("*(unsigned char *)one_round") == 0x55
    g.run("delete")
    g.run("watch *(unsigned *)&watched")
    assert "New value = " in g.run("continue")
    assert g.value("*(unsigned *)&watched") % 1000 == 0
    g.run("delete")
    g.start("continue")
    wait_until_it_runs(lambda: ask_monitor(appliance, "info status"))
    assert "SIGINT" in g.interrupt()
    assert f"engine {engine}" in g.run("monitor info version")
    g.run("set var *(unsigned *)&ask_end = 0x1234abcd")
    g.run("detach")
    appliance.expect("debugged ends 1234abcd")
    assert appliance.ends() == 0


def test_no_address(boot):
    """Without one of its own it says what is missing."""
    appliance = boot_guest(boot, "debugged", "-s", extra=PLAIN)
    appliance.expect("-gdb tcp::1234: this host has no address of its own: "
                     "-net bridge,ip=")


def test_long_mode(boot, gdb):
    """A 64-bit guest under svm: long64.c, which ends as if nobody had looked."""
    port = free_port()
    appliance = boot_guest(
        boot, "long64", "-cpu trestle64 -S -net bridge,ip=10.0.2.15/24 -s",
        net=("-netdev", "user,id=u,"
             f"hostfwd=tcp:127.0.0.1:{port}-10.0.2.15:1234",
             "-device", "e1000,netdev=u"), extra=SVM, limit=400)
    appliance.expect("gdb: listening on")
    g = gdb(limit=300)
    g.attach("127.0.0.1", port)
    debug_long64(appliance, g)


def test_second_serial_line(boot, gdb):
    """COM2 is gdb's: QEMU's end of it is a TCP port."""
    port = free_port()
    appliance = boot_guest(
        boot, "debugged", "-accel jit -gdb com2 -serial mon:stdio",
        serial=("-serial", "chardev:c0", "-serial",
                f"tcp:127.0.0.1:{port},server=on,wait=off"), limit=300)
    appliance.expect("gdb: waits at com2")
    appliance.expect("debugged runs")
    g = gdb(BUILD / "guests/debugged.elf", limit=200)
    g.attach("127.0.0.1", port)
    g.run("break *one_round")
    assert "Breakpoint 1, " in g.run("continue")
    assert g.value("$eip") == g.value("(unsigned)&one_round")
    g.run("delete")
    g.run("detach")
    # The line is given back, and had again.
    to_monitor(appliance)
    monitor(appliance, "gdbserver none")
    appliance.send("gdbserver com2\r")      # the log comes into its echo
    appliance.expect("gdb server: com2, nobody is there")
    appliance.send(ESCAPE + "c")
    g.attach("127.0.0.1", port)
    g.run("set var *(unsigned *)&ask_end = 0x1234abcd")
    g.run("detach")
    appliance.expect("debugged ends 1234abcd")
    assert appliance.ends() == 0
