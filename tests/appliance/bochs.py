"""The appliance in Bochs, for what QEMU's TCG has not: VMX, x2APIC hand-over.

Bochs (Debian's 2.7) draws its screen on a terminal by curses; its COM1 is
another terminal, which is the session that a test talks to.
"""
import itertools
import os
import pathlib
import pty
import subprocess
import termios
import threading
import tty

import pexpect.fdpexpect
import pytest

from accel import ELF as ENGINE_TESTS
from conftest import ELF, make_iso
from console import ask_to_switch_off
from started import closed_at_end

# The screen's terminal must hold 80x25 and Bochs's own lines.
SCREEN_ROWS, SCREEN_COLUMNS = 60, 120

CONFIG = """\
config_interface: textconfig
display_library: term
cpu: model={cpu}, count={cores}, ips={ips}, reset_on_triple_fault=0
megs: {ram}
romimage: file=/usr/share/bochs/BIOS-bochs-latest, options=fastboot
vgaromimage: file=/usr/share/vgabios/vgabios.bin
vga: extension=none, update_freq=1
ata0-master: type=cdrom, path={medium}, status=inserted
boot: cdrom
com1: enabled=1, mode=term, dev={serial}
com2: {com2}
log: {log}
panic: action=fatal
error: action=report
info: action=report
debug: action=ignore
"""

# The processors that matter here, by what their VT-x can do.
CPU_UNRESTRICTED = "corei7_skylake_x"   # EPT, VPID, unrestricted guest
CPU_FCS = "corei7_sandy_bridge_2600k"   # as that; x87 has selectors
CPU_EPT = "corei5_lynnfield_750"        # EPT, VPID
CPU_NO_EPT = "core2_penryn_t9600"       # neither

SWITCHED_OFF = "ACPI control: soft power off"


class Bochs:
    """One Bochs whose COM1 is this session; ends after `limit` seconds.

    com2: the terminal that is its COM2.
    """

    def __init__(self, medium, folder, cpu=CPU_UNRESTRICTED, ram=256,
                 cores=1, limit=300, ips=100_000_000, com2=None):
        folder.mkdir()
        self.log = folder / "bochs.log"
        self.com1, self.serial = pty.openpty()
        tty.setraw(self.serial)
        rc = folder / "bochsrc"
        rc.write_text(CONFIG.format(
            cpu=cpu, cores=cores, ips=ips, ram=ram, medium=pathlib.Path(medium).resolve(),
            serial=os.ttyname(self.serial), log=self.log.resolve(),
            com2=f"enabled=1, mode=term, dev={com2}" if com2
            else "enabled=0"))
        commands = folder / "commands"
        commands.write_text("c\n")
        self.screen, screen = pty.openpty()
        tty.setraw(screen)
        termios.tcsetwinsize(screen, (SCREEN_ROWS, SCREEN_COLUMNS))
        self.process = subprocess.Popen(
            ["timeout", "-k", "5", str(limit), "bochs", "-q", "-f", rc,
             "-rc", commands],
            stdin=screen, stdout=screen, stderr=screen, start_new_session=True,
            env={**os.environ, "TERM": "xterm"})
        os.close(screen)
        # A screen that nobody reads would stop Bochs.
        threading.Thread(target=self.drain, daemon=True).start()
        self.session = pexpect.fdpexpect.fdspawn(
            self.com1, timeout=limit, encoding="latin-1")
        self.session.logfile_read = open(folder / "com1.log", "w",
                                         encoding="latin-1", newline="")

    def drain(self):
        try:
            while os.read(self.screen, 65536):
                pass
        except OSError:
            pass

    def expect(self, pattern, timeout=-1):
        """Wait for `pattern`; returns the match."""
        self.session.expect(pattern, timeout=timeout)
        return self.session.match

    def send(self, text):
        self.session.send(text)

    def ends(self, timeout=60):
        """Wait until Bochs ends by itself; its log's panic line, or ''."""
        self.process.wait(timeout)
        panics = [line for line in self.log.read_text(errors="replace")
                  .splitlines() if ">>PANIC<<" in line]
        return panics[0].partition(">>PANIC<< ")[2] if panics else ""

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)
        self.session.logfile_read.close()
        for fd in (self.com1, self.serial, self.screen):
            os.close(fd)


@pytest.fixture
def boot_bochs(tmp_path):
    """boot_bochs(options, modules=..., before=..., cpu=..., ...) -> Bochs."""
    numbers = itertools.count()

    def make(options, modules=(), before=(), gzipped=True, elf=ELF, **kwargs):
        number = next(numbers)
        medium = make_iso(tmp_path / f"medium{number}.iso", options, modules,
                          gzipped, before, elf=elf)
        return Bochs(medium, tmp_path / f"bochs{number}", **kwargs)

    with closed_at_end(make) as start:
        yield start


def switch_off(bochs):
    """Leave as a user does; the PC switches itself off."""
    ask_to_switch_off(bochs)
    assert bochs.ends() == SWITCHED_OFF


def run_engine_test(boot_bochs, arguments, cpu, limit, **kwargs):
    """Boot the engines' test program; returns the text up to its verdict."""
    bochs = boot_bochs(arguments, elf=ENGINE_TESTS, cpu=cpu, limit=limit,
                       **kwargs)
    bochs.expect(r"\d+ passed, 0 failed\r")
    said = bochs.session.before
    bochs.expect(r"switching off \(status 0\)")
    assert bochs.ends() == SWITCHED_OFF
    return said
