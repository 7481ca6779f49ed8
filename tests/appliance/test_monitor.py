"""The monitor on the real serial line: its keys, and what it looks up."""
import re

from console import monitor, to_monitor
from guests import boot_guest, image
from monitor_table import check_absent, check_commands, check_info

READY = r"uart_echo ready\r\n"
LEFT, UP = "\x1b[D", "\x1b[A"


def test_keys_and_commands(boot):
    cds = [(f"{name}.iso", bytes(2048 * 300)) for name in ("one", "two")]
    appliance = boot("-m 8 -hda guest.img -cdrom one.iso -nographic",
                     modules=[("guest.img", image("uart_echo")), *cds],
                     limit=120)
    appliance.expect(READY)
    to_monitor(appliance)
    appliance.send("info ersion" + LEFT * 6 + "v\r")
    appliance.expect(r"on metal, engine \w+\r\n\(trestle\) ")
    appliance.send(UP + "\r")
    appliance.expect(r"on metal, engine \w+\r\n\(trestle\) ")
    assert re.search(r"\nportb\[0x03fd\] = 0x", "\n" +
                     monitor(appliance, "i/b 0x3fd"))
    assert re.search(r"00000000000ffff0:( 0x\w\w){8}\r\n",
                     monitor(appliance, "xp/8xb 0xffff0"))
    # SeaBIOS begins there with a far jump.
    assert "0xfffffff0:  ea 5b e0 00 f0           ljmp 0xF000:0xE05B" in \
        monitor(appliance, "x/ih 0xfffffff0")
    assert "0xf\r\n" in monitor(appliance, "print/x 3*5")
    assert "with - as the file it is printed" in \
        monitor(appliance, "memsave 0 4 x")
    assert "begin-base64 644 memory\r\n" in monitor(appliance,
                                                    "memsave 0xffff0 3 -")
    assert monitor(appliance, "sendkey ctrl-a") == ""
    assert monitor(appliance, "eject hdc") == ""
    assert "hdc: type=cdrom removable=1 [not inserted]" in \
        monitor(appliance, "info block")
    assert monitor(appliance, "change hdc two.iso") == ""
    assert "hdc: type=cdrom removable=1 file=two.iso" in \
        monitor(appliance, "info block")
    assert "no such" in monitor(appliance, "change hdc nonsense.img").lower()
    appliance.send("set paging on\rhelp\r")
    appliance.expect("--More--")
    appliance.send("q")
    appliance.expect(r"\(trestle\) ")


def test_every_command_and_subject(boot):
    appliance = boot_guest(boot, "uart_echo", "-accel jit -net nic -net user",
                           limit=120)

    def ask(line):
        return monitor(appliance, line).replace("\r\n", "\n")

    appliance.expect(READY)
    to_monitor(appliance)
    check_info(ask, appliance=True)
    check_commands(ask, appliance=True)
    check_absent(ask)
    appliance.send("quit\r")
    assert appliance.ends() == 0
