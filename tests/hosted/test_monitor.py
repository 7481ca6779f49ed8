"""Every command of the monitor, over the serial line."""
import re

import pytest

from conftest import ESCAPE

READY = "uart_echo ready\r\n"

# What each command answers, whatever the guest is at after the system_reset;
# others of its tests are where its subject is.
COMMANDS = {
    "help": [("help stop", r"\Astop  -- stop the guest\n\Z")],
    "info": [("info status", r"VM status: running\n"),
             ("info nonsense", "no such subject: 'nonsense'")],
    "machine": [("machine", r"\* 1 +trestle +running"),
                ("machine 7", "no such machine: '7'")],
    "commit": [("commit hda", "hda: no overlay"),
               ("commit nonsense", "no such disk: 'nonsense'")],
    "drive_backup": [("drive_backup hdb x", "no such disk: 'hdb'")],
    "stop": [("stop", r"\A\Z"), ("info status", "VM status: paused")],
    "cont": [("cont", r"\A\Z"), ("info status", "VM status: running")],
    "system_reset": [("system_reset", r"\A\Z")],
    "system_powerdown": [("system_powerdown", r"\A\Z")],
    "sendkey": [("sendkey ctrl-alt-f1 50", r"\A\Z"),
                ("sendkey x-nonsense", "there is no key 'nonsense'")],
    "mouse_move": [("mouse_move 3 -4 1", r"\A\Z"),
                   ("mouse_move", "use mouse_move DX DY")],
    "mouse_button": [("mouse_button 1", r"\A\Z"),
                     ("mouse_button 9", "use mouse_button N")],
    "mouse_set": [("mouse_set 0", r"\A\Z"),
                  ("mouse_set 1", "there is one mouse")],
    "x": [("x/2xw 0xfffffff0", r"\Afffffff0: 0x\w{8} 0x\w{8}\n\Z"),
          ("x/2i $pc", r"(?m)^0x[0-9a-f]{8}:  ([0-9a-f]{2} )+ +\w+")],
    "xp": [("xp/8xb 0xffff0", r"\A00000000000ffff0:( 0x\w\w){8}\n\Z"),
           ("xp 0x80000000", "Cannot access memory")],
    "print": [("print/x 3*4", r"\A0xc\n\Z"), ("p $nonsense", "no such reg"),
              ("p/x $cs", r"\A0x[0-9a-f]{1,4}\n\Z")],
    "i": [("i/b 0x3fd", r"\Aportb\[0x03fd\] = 0x\w\w\n\Z")],
    "o": [("o/b 0x80 1", r"\A\Z"), ("o/b 0x80", "use o ")],
    "sum": [("sum 0xf0000 0x10000", r"\A\d{1,5}\n\Z")],
    "memsave": [("memsave 0xfffffff0 3 -", r"begin-base64 644 memory\n\S{4}\n")],
    "pmemsave": [("pmemsave 0xffff0 3 -", r"memory\n\S{4}\n====\n"),
                 ("pmemsave 0 4 /nonsense/x", "cannot write '/nonsense/x'")],
    "chardev-send-break": [("chardev-send-break serial0", r"\A\Z"),
                           ("chardev-send-break serial1", "no such serial")],
    "boot_set": [("boot_set dc", r"\A\Z"), ("boot_set z", "use letters of c")],
    "eject": [("eject hda", "Device 'hda' is not removable"),
              ("eject hdc", "Device 'hdc' not found")],
    "change": [("change hda x", "Device 'hda' is not removable")],
    "nmi": [("nmi", r"\A\Z")],
    "screendump": [("screendump -", r"begin-base64 644 screen\.png\niVBORw0K"),
                   ("screendump /nonsense/x", "'/nonsense/x': No such file")],
    "gdbserver": [("gdbserver none", "gdb server: none"),
                  ("gdbserver udp::1", r"use tcp:\[HOST\]:PORT or none")],
    "savevm": [("savevm x", "-vmstate")],
    "loadvm": [("loadvm x", "-vmstate")],
    "delvm": [("delvm x", "-vmstate")],
    "set_link": [("set_link user.0 off", r"\A\Z"),
                 ("info network", "user .* link=off"),
                 ("set_link nonsense on", "nonsense")],
    "netdev_add": [("netdev_add user,id=one,vlan=0", r"\A\Z"),
                   ("info network", "id=one")],
    "netdev_del": [("netdev_del one", r"\A\Z"),
                   ("netdev_del one", "there is no netdev 'one'")],
    "hostfwd_add": [("hostfwd_add udp:127.0.0.1:0-:7", r"\A\Z"),
                    ("hostfwd_add x", "use tcp|udp")],
    "hostfwd_remove": [("hostfwd_remove tcp::1", "no such forward: 'tcp::1'")],
    "object_add": [("object_add filter-dump,id=cap,netdev=user.0", r"\A\Z"),
                   ("info capture", "cap")],
    "object_del": [("object_del cap", r"\A\Z"), ("info capture", "no capt")],
    "capture": [("capture user.0 on", r"\A\Z"),
                ("capture user.0 print", r"begin-base64 644 user\.0\.pcap\n"),
                ("capture user.0 off", r"\A\Z")],
    "config": [("config show", "No trestle.conf runs")],
    "announce_self": [("announce_self", r"\A\Z")],
    "upgrade": [("upgrade xmodem", "no disk of the PC's is a Trestle medium")],
    "confirm": [("confirm", "no disk of the PC's is a Trestle medium")],
    "rollback": [("rollback", "no disk of the PC's is a Trestle medium")],
    "install": [("install disk0", "'disk0' is no disk")],
    "console": [("console", "there is no local screen")],
    "set": [("set", "paging off, columns 80, rows 24")],
}
LAST = {"quit"}


@pytest.fixture
def monitor(trestle, guest):
    t = trestle("-m", 16, "-hda", guest("uart_echo"))
    t.expect(READY)
    t.to_monitor()
    return t


def test_every_command(monitor):
    listed = re.findall(r"(?m)^(\S+) .*-- ", monitor.monitor("help"))
    assert sorted(listed) == sorted([*COMMANDS, *LAST])
    for name in listed:
        assert re.match(rf"{name} .*-- ", monitor.monitor("help " + name))
        for line, answer in COMMANDS.get(name, ()):
            text = monitor.monitor(line)
            assert re.search(answer, text), (line, text)
    monitor.send("quit\r")
    assert monitor.ends() == 0


def test_what_is_not_there_says_why(monitor):
    for command in ("wavcapture x", "usb_add disk", "device_add x", "log all",
                    "migrate tcp:h:1", "block_resize hda 1G", "ringbuf_read x 1",
                    "block_set_io_throttle hda 1 1 1 1 1 1", "logfile x"):
        name = command.split()[0]
        said = monitor.monitor(command)
        assert said.startswith(f"{name} is not there: "), said
        assert monitor.monitor("help " + name) == said
    assert monitor.monitor("info vnc").startswith("None: ")
    for subject in ("kvm", "usb", "balloon"):
        assert monitor.monitor("info " + subject).startswith(
            f"info {subject} is not there: ")


def test_long_help(monitor):
    for name in ("x", "print", "sendkey", "memsave", "set"):
        assert monitor.monitor("help " + name).count("\n") > 1


def test_pages(monitor):
    assert "paging on" in monitor.monitor("set paging on")
    monitor.send("help\r")
    monitor.expect("--More--")
    assert monitor.before.count("\r\n") == 1 + 23
    monitor.send(" ")
    while monitor.session.expect([r"quit .*\r\n\(trestle\) ", "--More--"]):
        monitor.send(" ")
    monitor.send("info pic\r")
    monitor.expect(r"pic1: .*\r\n\(trestle\) ")
    monitor.send("help\r")
    monitor.expect("--More--")
    # The console is whose the line is, without a key for the text.
    monitor.send(ESCAPE + "c" + "hello")
    monitor.expect("hello")
