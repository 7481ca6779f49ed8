"""What the monitor is asked in the hosted build and on the appliance alike."""
import re

# What each command answers, whatever the guest is at after the system_reset;
# others of its tests are where its subject is. A second answer is that of the
# appliance, where it is another one.
COMMANDS = {
    "help": [("help stop", r"\Astop  -- stop the guest\n\Z")],
    "info": [("info status", r"VM status: running\n"),
             ("info nonsense", r"\Ainfo: no such subject: 'nonsense'.*\n\Z"),
             ("info status x", "use info status"),
             ("info block -v hda", "hda: type=hd"),
             ("info block ide0-hd0", "hda: type=hd"),
             ("info block hdc", "Device 'hdc' not found"),
             ("info registers -a", r"\ACPU#0\nEAX="),
             ("help info pci", r"\Ainfo pci  -- the guest's PCI devices\n\Z")],
    "machine": [("machine", r"\* 1 +trestle +running"),
                ("machine 7", "no such machine: '7'")],
    "commit": [("commit hda", "hda: no overlay"),
               ("commit nonsense", "no such disk: 'nonsense'"),
               ("commit ide0-hd0", "ide0-hd0: no overlay"),
               ("commit", "use commit all")],
    "drive_backup": [("drive_backup hdb x", "no such disk: 'hdb'")],
    "stop": [("s", r"\A\Z"), ("info status", "VM status: paused")],
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
    "print": [("print 3*4", r"\A0xc\n\Z"), ("p $nonsense", "no such reg"),
              ("p/x $cs", r"\A0x[0-9a-f]{1,4}\n\Z")],
    "i": [("i/b 0x3fd", r"\Aportb\[0x03fd\] = 0x\w\w\n\Z")],
    "o": [("o/b 0x80 1", r"\A\Z"), ("o/b 0x80", "use o ")],
    "sum": [("sum 0xf0000 0x10000", r"\A\d{1,5}\n\Z")],
    "memsave": [("memsave 0xfffffff0 3 -", r"begin-base64 644 memory\n\S{4}\n")],
    "pmemsave": [("pmemsave 0xffff0 3 -", r"memory\n\S{4}\n====\n"),
                 ("pmemsave 0 4 /nonsense/x", "cannot write '/nonsense/x'",
                  "there is no place for files here")],
    "chardev-send-break": [("chardev-send-break serial0", r"\A\Z"),
                           ("chardev-send-break serial1", "no such serial")],
    "serial_log": [("serial_log 1 serial0", r"\A[^\n]*\n?\Z"),
                   ("serial_log all -o /nonsense/x", "'/nonsense/x': No such",
                    "there is no place for files here"),
                   ("serial_log serial3", "there is no serial3"),
                   ("serial_log nonsense", "use serial_log ")],
    # On the appliance the image is in RAM, which its tail is, too.
    "block_resize": [("block_resize hda 1", r"hda: done"),
                     ("block_resize hda 32K", "it would become smaller"),
                     ("block_resize hdc 1G", "Device 'hdc' not found"),
                     ("block_resize hda x", "use block_resize DISK SIZE")],
    "block_set_io_throttle": [
        ("block_set_io_throttle hda 1 0 0 0 2 0", r"\A\Z"),
        ("info block", r"I/O throttling:   bps=1 bps_rd=0 bps_wr=0 iops=0 "
                       r"iops_rd=2 iops_wr=0\n"),
        ("block_set_io_throttle hda 1 1 0 0 0 0", "exclude each other"),
        ("block_set_io_throttle hda 0 0 0 0 0 0", r"\A\Z"),
        ("block_set_io_throttle hdx 0 0 0 0 0 0", "Device 'hdx' not found"),
        ("block_set_io_throttle hda 1", "use block_set_io_throttle DISK")],
    "ringbuf_read": [("ringbuf_read serial0 10", "'serial0' is no serial port"),
                     ("ringbuf_read serial0", "use ringbuf_read ")],
    "ringbuf_write": [("ringbuf_write serial0 x", "'serial0' is no serial "),
                      ("ringbuf_write", "use ringbuf_write ")],
    "boot_set": [("boot_set dc", r"\Aboot device list now set to dc\n\Z"),
                 ("boot_set z", "use letters of c")],
    "eject": [("eject hda", "Device 'hda' is not removable"),
              ("eject hdc", "Device 'hdc' not found")],
    "change": [("change hda x", "Device 'hda' is not removable"),
               ("change vnc password x", "there is no VNC server that wants")],
    "set_password": [("set_password vnc x", "there is no VNC server that")],
    "nmi": [("nmi", r"\A\Z")],
    "screendump": [("screendump -", r"begin-base64 644 screen\.png\niVBORw0K"),
                   ("screendump /nonsense/x", "'/nonsense/x': No such file",
                    "there is no place for files here")],
    "watchdog_action": [("watchdog_action pause", r"\A\Z"),
                        ("watchdog_action rollback", "whose disk is a slot"),
                        ("watchdog_action x", "use watchdog_action with")],
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
    "log": [("log guest_errors,unimp", r"\A\Z"),
            ("log guest_errors,x", "no such item: 'x'; there are guest_errors"),
            ("log in_asm", "the item 'in_asm' is not there: what"),
            ("help log", r"(?m)^guest_errors "), ("log none", r"\A\Z")],
    "logfile": [("logfile /nonsense/x", "'/nonsense/x': No such",
                 "there is no place for files here"),
                ("logfile none", r"\A\Z")],
    "set": [("set", "paging off, columns 80, rows 24")],
}

LAST = {"quit"}
ABSENT = ["wavcapture x", "usb_add disk", "device_add x", "singlestep on",
          "migrate tcp:h:1", "chardev-add x"]
ABSENT_INFO = ["kvm", "usb", "balloon"]

INFO = {
    "status": [r"VM status: running\n", r"engine: \w+, [1-9]\d* instructions"],
    "version": [r"\d+\.\d+ \(\w+\) on hosted, engine \w+\n"],
    "block": [r"hda: type=hd removable=0 file=\S*uart_echo.img ro=0 drv=raw\n",
              r"128 sectors"],
    "blockstats": [r"hda: rd_bytes=[1-9]\d* wr_bytes=0 rd_operations=[1-9]"],
    "crashes": [r"\Anothing went wrong with this machine since Trestle's"],
    "disks": [r"no disks of the PC's own are known\n"],
    "engine": [r"translated: [1-9]\d* traces, \d+ KiB",
               r"executed by host code: [1-9]\d* of [1-9]\d*, \d+% by"],
    "gdb": [r"gdb server: none\n"],
    "input": [r"\Akeyboards and mice are not read: there is no local screen\n"],
    "ioapic": [r"ioapic: id=0 version=00170011", r"pin 23 .* masked"],
    "jit": [r"translated: [1-9]\d* traces", r"FPU state loaded: \d+"],
    "lapic": [r"lapic: enabled, software-enabled", r"lint0 .* ExtINT"],
    "machines": [r"\* 1 +trestle +running +\w+ +\d+\.\d{3} s\n"],
    "mice": [r"\* Mouse #0: PS/2 mouse\n"],
    "network": [r"VLAN 0 devices:\n  ne2000 pci macaddr=52:54:00:12:34:56 ",
                r"\n  user .* id=user.0 link=up\n", r"in_total=0 out_total=0"],
    "bridge": [r"bridge of VLAN 0, ports:\n"],
    "usernet": [r"user.0:\n  Protocol\[State\]    FD  Source Address  Port "],
    "capture": [r"no captures"],
    "cpus": [r"\A\* CPU #0: core=\d\n",
             r"core  busy in the last \d+\.\d{3} s   runs",
             r"(?m)^0 .* % +consoles, network"],
    "pci": [r"Host bridge: PCI device 8086:1237", r"PCI device 8086:7113",
            r"VGA controller: PCI device 1234:1111"],
    "pic": [r"pic0: irr=", r"pic1: irr="],
    "registers": [r"\ACPU#0\nEAX=[0-9a-f]{8}",
                  r"\bCS =0008 00000000 ffffffff 00cf9[ab]00 DPL=0 "
                  r"CS32 \[-R[A-]\]\n",
                  r"CR0=\S{7}1"],
    "history": [r"0: 'info \w+'\n"],
    "chardev": [r"compat_monitor0: filename=mux\n", r"serial0: filename=mux\n"],
    "irq": [r"IRQ statistics for isa-i8259:\n", r"(?m)^ 0: [1-9]\d*$"],
    "mem": [r"PG disabled"],
    "tlb": [r"PG disabled"],
    "mtree": [r"(?m)^memory$", r"-000000000009ffff: ram\n", r"03f8-03ff: uart"],
    "name": [r"\Atrestle\n\Z"],
    "qtree": [r"\Abus: main-system-bus\n  type System\n",
              r"dev: ne2000, id \"\"\n +addr = 03\.0\n"],
    "uuid": [r"\A00000000-0000-0000-0000-000000000000\n\Z"],
    "vnc": [r"\ANone: "],
    "slots": [r"Trestle medium"],
    "watchdog": [r"\Ano watchdog and no guard: see -watchdog and -guard\n"],
    "snapshots": [r"start Trestle with -vmstate FILE"],
    "screen": [r"SeaBIOS \(version", r"Booting from Hard Disk"],
}

# What differs on the appliance: it has no files, and a disk is a module in RAM.
ON_APPLIANCE = {
    "version": [r"\d+\.\d+ \(\w+\) on metal, engine \w+\n"],
    "block": [r"hda: type=hd removable=0 file=guest.img ro=0 drv=raw\n",
              "128 sectors, in RAM: writes are lost at power-off"],
}


def check_commands(ask, appliance=False):
    """Whether `help` lists what the table has, and each answers as it says;
    ask(line) is a command's answer. For the guest uart_echo as hda."""
    listed = re.findall(r"(?m)^(\S+) .*-- ", ask("help"))
    assert sorted(listed) == sorted([*COMMANDS, *LAST])
    for name in listed:
        assert re.match(rf"{name} .*-- ", ask("help " + name))
        for line, *answers in COMMANDS.get(name, ()):
            text = ask(line)
            assert re.search(answers[-1 if appliance else 0], text), \
                (line, text)


def check_info(ask, appliance=False):
    """The same of `info`."""
    listed = re.findall(r"(?m)^info (\w+) ", ask("info"))
    assert sorted(listed) == sorted(INFO)
    for subject in listed:
        text = ask("info " + subject)
        for pattern in (ON_APPLIANCE if appliance else INFO).get(
                subject, INFO[subject]):
            assert re.search(pattern, text), (subject, text)
    assert "no such subject: 'nonsense'" in ask("info nonsense")


def check_absent(ask):
    """What the monitor has not says why."""
    for command in ABSENT:
        name = command.split()[0]
        said = ask(command)
        assert said.startswith(f"{name} is not there: "), said
        assert ask("help " + name) == said
    for subject in ABSENT_INFO:
        assert ask("info " + subject).startswith(
            f"info {subject} is not there: ")
    assert ask("info vnc").startswith("None: ")
