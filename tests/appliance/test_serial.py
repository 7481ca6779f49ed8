"""The administrator's line: keys, monitor, and nothing lost of a paste."""
import random
import re

from console import ESCAPE, PROMPT, monitor, to_monitor
from guests import boot_guest, check_sum_line

READY = r"uart_echo ready\r\n"
END_OF_PASTE = b"\x04"


def paste_bytes(count, seed):
    """All byte values but the escape key and the guest's end mark."""
    values = [v for v in range(256) if v not in (ord(ESCAPE), *END_OF_PASTE)]
    return bytes(random.Random(seed).choices(values, k=count))


def test_paste_of_a_megabyte(boot):
    """The UART's flow holds the sender back; the guest counts and sums."""
    data = paste_bytes(1 << 20, 1)
    appliance = boot_guest(boot, "count", limit=600)
    appliance.expect("count ready")
    appliance.paste(data + END_OF_PASTE)
    appliance.expect(check_sum_line(data))
    assert appliance.ends() == 0


def test_echo_comes_back_whole(boot):
    """Both directions at once: what is typed comes back, in order."""
    data = "".join(f"{i:06d}," for i in range(4000))
    appliance = boot_guest(boot, "uart_echo")
    appliance.expect(READY)
    appliance.paste(data.encode())
    appliance.expect(data[-7:])
    assert appliance.session.before + data[-7:] == data


def test_keys(boot):
    appliance = boot_guest(boot, "uart_echo")
    appliance.expect(READY)
    appliance.send(ESCAPE + "h")
    for key in "htbcx":
        appliance.send(ESCAPE + "h")
        appliance.expect(rf"C-a {key}  ")
        appliance.expect("send C-a\r\n")
    appliance.send(ESCAPE + "q")
    appliance.expect(r"no such key after the escape key: 0x71; h lists them")
    # The guest never saw any of that; the doubled escape it does.
    appliance.send("a" + ESCAPE + ESCAPE + "b")
    appliance.expect("]\r\na\x01b")
    # Ctrl-c is the guest's.
    appliance.send("\x03c")
    appliance.expect("\x03c")
    # Timestamps, on and off.
    appliance.send(ESCAPE + "t" + "first\nstamped")
    appliance.expect(r"\n\[00:\d\d:\d\d\.\d\d\d\] stamped")
    appliance.send(ESCAPE + "t" + "\nplain")
    appliance.expect(r"^\nplain")


def test_exit_asks(boot):
    appliance = boot_guest(boot, "uart_echo")
    appliance.expect(READY)
    appliance.send(ESCAPE + "xn")
    appliance.expect(r"\(y/n\) n\r\n")
    appliance.send("still here")
    appliance.expect("still here")
    # Anything but y is no.
    appliance.send(ESCAPE + "x\r")
    appliance.expect(r"\(y/n\) n\r\n")
    appliance.send(ESCAPE + "x")
    appliance.expect(r"\(y/n\) ")
    appliance.send("y")
    assert appliance.ends() == 0


def test_monitor(boot):
    appliance = boot_guest(boot, "uart_echo")
    appliance.expect(READY)
    appliance.send(ESCAPE + "c")
    appliance.expect(r"monitor - type 'help' for more information\r\n" + PROMPT)
    commands = monitor(appliance, "help")
    for name in ("help", "info", "stop", "cont", "system_reset", "quit"):
        assert re.search(rf"^{name} ", commands, re.M), name
    subjects = monitor(appliance, "info")
    for name in ("block", "bridge", "network", "pci", "pic", "registers",
                 "status", "version"):
        assert re.search(rf"^info {name} ", subjects, re.M), name
        assert monitor(appliance, f"info {name}").strip()
    assert "unknown command: 'frobnicate'" in monitor(appliance, "frobnicate")
    assert "no such subject: 'weather'" in monitor(appliance, "info weather")
    # The guest is in its polling loop, in 32-bit code.
    assert re.search(r"^EIP=0001[0-9a-f]{4} ",
                     monitor(appliance, "info registers"), re.M)
    assert "writes are lost at power-off" in monitor(appliance, "info block")
    # A line is edited before it is sent.
    appliance.send("nonsense\x15info statux\x7fs\r")
    appliance.expect(r"VM status: running")
    appliance.expect(PROMPT)


def test_stop_and_cont(boot):
    appliance = boot_guest(boot, "uart_echo")
    appliance.expect(READY)
    to_monitor(appliance)
    monitor(appliance, "stop")
    first = monitor(appliance, "info status")
    assert "paused" in first
    # A paused guest executes nothing, and its input waits for it.
    appliance.send(ESCAPE + "c")
    appliance.expect("\r\n")
    appliance.send("waits")
    to_monitor(appliance)
    assert monitor(appliance, "info status") == first
    appliance.send("cont\r")
    appliance.expect("waits")
    assert "running" in monitor(appliance, "info status")


def test_input_before_the_guest_is_armed(boot):
    """Stray bytes must not stop a boot loader: -S, type, then run."""
    appliance = boot_guest(boot, "uart_echo", "-S")
    appliance.expect(r"engine \w+")
    appliance.send("stray" + ESCAPE + "c")
    appliance.expect(PROMPT)
    monitor(appliance, "cont")
    appliance.send(ESCAPE + "c")
    appliance.expect(READY)
    appliance.send("seen")
    appliance.expect("seen")
    assert "stray" not in appliance.session.before


def test_another_escape_key(boot):
    appliance = boot_guest(boot, "uart_echo", "-echr 2")
    appliance.expect(READY)
    appliance.send("\x01c")
    appliance.expect("\x01c")
    appliance.send("\x02h")
    appliance.expect(r"C-b h    print this help")


def test_guest_without_serial_leaves_the_monitor(boot):
    appliance = boot_guest(boot, "uart_echo", "-serial none")
    appliance.expect(PROMPT)
    assert "running" in monitor(appliance, "info status")
    appliance.send("quit\r")
    assert appliance.ends() == 0
