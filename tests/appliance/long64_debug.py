"""gdb at tests/guests/long64_code.S, from its start to its last part."""
import subprocess

from conftest import BUILD

TRAP = 0x100
USER_CODE = 0x3b                # in the guest's GDT, as are 8 and 10h


def symbols():
    """{name: address} of the guest's."""
    said = subprocess.run(["nm", BUILD / "guests/long64.elf"], check=True,
                          capture_output=True, text=True).stdout
    return {name: int(address, 16) for address, _, name in
            (line.split() for line in said.splitlines())}


def debug_long64(machine, g):
    """From the first instruction on; it ends as if nobody had looked."""
    assert g.value("$rip") == 0xfff0 and g.value("$efer") == 0
    debug_long_mode(g, symbols())
    g.run("detach")
    machine.expect(r"long64: (\w+)\s")
    said = machine.session.before
    assert machine.session.match[1] == "passed", said
    assert said.count("ok  ") == 16


def debug_long_mode(g, at):
    """Breakpoints, steps, watchpoints, registers."""

    def run_to(name):
        g.run(f"tbreak *{at[name]:#x}")
        said = g.run("continue")
        assert "Temporary breakpoint" in said, said
        assert g.value("$rip") == at[name]

    def step():
        g.run("stepi")
        assert not g.value("$eflags") & TRAP
        return g.value("$rip")

    run_to("try_registers")
    assert g.value("$efer") == 0xd01 and g.value("$cs") == 0x18
    assert step() == at["try_registers"] + 5    # MOV EAX, 9
    assert g.value("$rax") == 9
    step()                                      # MOV CR8, RAX: an exit
    assert g.value("$cr8") == 9
    check_registers(g)
    # A word that the #PF test writes, with its page fault on the way.
    result = at["long64_result"] + 8 * 4
    g.run(f"watch *(unsigned *){result:#x}")
    said = g.run("continue")
    assert "New value = 135732" in said, said   # 21234h
    g.run("delete")
    # More than the four debug registers hold, and a kind that they have not.
    assert '"E1c"' in g.run(f"maint packet Z2,{result:x},28")
    assert '"E' in g.run(f"maint packet Z3,{result:x},4")
    step_through_calls(g, at, run_to, step)
    # An interrupt, from HLT; it has seen enough of them then.
    run_to("timer_entry")
    g.run(f"set var *(unsigned *){at['timer_count']:#x} = 3")


def check_registers(g):
    """Those that a debugger writes as the CPU itself would."""
    g.run("set $r15 = 0x1122334455667788")
    assert g.value("$r15") == 0x1122334455667788
    for wrong in ("$cs = 0x10", f"$cs = {USER_CODE}", "$ss = 8",
                  "$cr0 = 0x80000000", "$cr4 = 0", "$efer = 0",
                  "$fs_base = 0x8000000000000000", "$cr8 = 16"):
        assert "Could not write" in g.run(f"set {wrong}"), wrong
    g.run("set $ds = 0x10")
    assert g.value("$ds") == 0x10
    g.run("set $fs_base = 0xffff800000000000")
    assert g.value("$fs_base") == 0xffff800000000000
    assert "refused register writes=8" in g.run("monitor info gdb")


def step_through_calls(g, at, run_to, step):
    """SYSCALL and SYSRET, whose flags the guest keeps; PUSHF and IRET."""
    run_to("user_code")
    assert g.value("$cs") & 3 == 3
    step()                                      # STD
    step()
    assert step() == at["syscall_entry"]
    assert g.value("$cs") & 3 == 0
    assert g.value("$r11") & TRAP == 0 and g.value("$eflags") & 0x400 == 0
    while g.value("$cs") & 3 == 0:
        step()                                  # PUSHFQ is one of these
    assert g.value("$rip") == at["user_code"] + 8
