"""A broken invariant: what the administrator sees, and how it ends."""
import re

QUIET = "-m 16 -net none -nographic"


def test_backtrace_names_the_functions(boot):
    appliance = boot("-selftest panic -no-reboot " + QUIET)
    build = appliance.expect(r"bare machine, build ([0-9a-f]{40})")[1]
    appliance.expect(r"PANIC: self-test, asked for by -selftest")
    appliance.expect(rf"core 0, build id {build}")
    text = appliance.expect(r"(?s)backtrace:(.*?)last log lines:")[1]
    names = re.findall(r"[0-9a-f]{16}  (\w+)(?:\.\w+)*\+0x", text)
    assert names == ["selftest_fatal", "panic_selftest", "metal_start"]
    # The log's tail, then the end.
    appliance.expect(r"  Trestle on the bare machine")
    appliance.expect(r"  console: UART at port 3f8h")
    appliance.expect(r"halted \(-no-reboot\)")


def test_write_to_read_only_data_faults(boot):
    """W^X and read-only data are real: the write is a page fault."""
    appliance = boot("-selftest fault -no-reboot " + QUIET)
    error = int(appliance.expect(r"PANIC: exception 14 \(page fault\), "
                                 r"error code (\w+)")[1], 16)
    assert error & 3 == 3       # a write, and the page was present
    appliance.expect(r"rip ([0-9a-f]{16}) cs  0008")
    cr2 = int(appliance.expect(r"cr2 ([0-9a-f]{16})")[1], 16)
    assert cr2 >= 0xffffffff80000000
    appliance.expect(r"selftest_fault(?:\.\w+)*\+0x")
    appliance.expect(r"metal_start\+0x")
    appliance.expect(r"halted \(-no-reboot\)")


def test_stack_overflow_is_a_double_fault(boot):
    """The guard page below the stack; the report needs a stack of its own."""
    appliance = boot("-selftest stack -no-reboot " + QUIET)
    appliance.expect(r"PANIC: exception 8 \(double fault\)")
    appliance.expect(r"selftest_stack(?:\.\w+)*\+0x")
    appliance.expect(r"halted \(-no-reboot\)")


def test_panic_inside_a_panic_ends(boot):
    appliance = boot("-selftest nested -no-reboot " + QUIET)
    appliance.expect(r"PANIC: self-test")
    appliance.expect(r"panic inside a panic: page fault at [0-9a-f]{16}")
    appliance.expect(r"halted \(-no-reboot\)")
