"""The appliance in QEMU: its console as a pexpect session.

Environment: BUILD (default "build") is the build folder; `make check-appliance`
has put trestle.iso there. Every QEMU ends with its test.
"""
import contextlib
import itertools
import os
import pathlib
import shutil
import subprocess
import termios
import threading

import pexpect
import pytest

from screen import Screen
from started import closed_at_end

BUILD = pathlib.Path(os.environ.get("BUILD", "build"))
ELF = BUILD / "trestle.elf"
OVMF = pathlib.Path(os.environ.get("OVMF", "/usr/share/OVMF"))
# With AMD-V and nested paging, which TCG emulates: guests run under svm.
CPU = "max"
GRUB_MODULES = ("multiboot2 normal part_gpt part_msdos iso9660 fat all_video "
                "serial terminal gzio test boot configfile echo wrmsr "
                "memrw")


def make_iso(path, options, modules=(), gzipped=True, before=(), after=(),
             elf=ELF):
    """A boot medium that starts `elf` at once with `options`.

    modules: (name, bytes) pairs, gzip'd on the medium if `gzipped`.
    before, after: GRUB's commands before it loads the appliance, and after;
    "set gfxpayload=1024x768x32" is one for after.
    """
    import gzip

    root = path.parent / (path.name + ".d")
    (root / "boot/grub").mkdir(parents=True)
    subprocess.run(["strip", "-o", root / "boot/trestle.elf", elf], check=True)
    lines = ["insmod gzio",
             "set screen=text",
             'if [ "${grub_platform}" = efi ]; then insmod all_video; '
             "set screen=auto; fi",
             *before,
             f"multiboot2 /boot/trestle.elf {options}",
             "set gfxpayload=$screen"]
    for name, data in modules:
        (root / name).write_bytes(gzip.compress(data) if gzipped else data)
        lines.append(f"module2 /{name} {name}")
    lines += [*after, "boot"]
    (root / "boot/grub/grub.cfg").write_text("\n".join(lines) + "\n")
    subprocess.run(["grub-mkrescue", "--locales=", "--fonts=", "--themes=",
                    f"--install-modules={GRUB_MODULES}",
                    "-o", path, root], check=True, capture_output=True)
    shutil.rmtree(root)
    return path


def transparent_output():
    """QEMU leaves the terminal's output processing on: LF stays LF."""
    mode = termios.tcgetattr(0)
    mode[1] &= ~termios.ONLCR
    mode[3] &= ~termios.ECHO
    termios.tcsetattr(0, termios.TCSANOW, mode)


class Appliance:
    """One QEMU whose COM1 is this session."""

    def __init__(self, medium, firmware, tmp, machine="q35", drive="cdrom",
                 net=("-nic", "none"), ram=512, extra=(), limit=120,
                 serial=("-serial", "chardev:c0"), inside=()):
        # `inside`: what runs QEMU somewhere else, as in a network namespace.
        args = [*inside, "timeout", str(limit), "qemu-system-x86_64",
                "-machine", machine,
                "-m", str(ram), "-display", "none", "-monitor", "none",
                "-chardev", "stdio,id=c0,signal=off,mux=off",
                *serial, *net, *extra]
        if "-cpu" not in extra:
            args += ["-cpu", CPU]
        if firmware == "uefi":
            variables = tmp / "ovmf_vars.fd"
            shutil.copy(OVMF / "OVMF_VARS_4M.fd", variables)
            flash = "if=pflash,format=raw,file="
            args += ["-drive", f"{flash}{OVMF}/OVMF_CODE_4M.fd,readonly=on",
                     "-drive", f"{flash}{variables}"]
        # None: `extra` has the medium.
        args += {
            None: [],
            "cdrom": ["-cdrom", str(medium), "-boot", "d"],
            "disk": ["-drive", f"file={medium},format=raw,snapshot=on"],
            "usb": ["-device", "qemu-xhci", "-drive",
                    f"id=stick,if=none,file={medium},format=raw,snapshot=on",
                    "-device", "usb-storage,drive=stick,bootindex=0"],
            "usb2": ["-device", "usb-ehci", "-drive",
                     f"id=stick,if=none,file={medium},format=raw,snapshot=on",
                     "-device", "usb-storage,drive=stick,bootindex=0"],
            "virtio": ["-drive", "id=disk,if=none,format=raw,snapshot=on,"
                       f"file={medium}",
                       "-device", "virtio-blk-device,drive=disk"],
        }[drive]
        self.session = pexpect.spawn(
            args[0], args[1:], timeout=limit, encoding="latin-1",
            preexec_fn=transparent_output)
        self.session.delaybeforesend = None
        # All that the console said, for whoever looks into a failure.
        self.log = open(tmp / f"{pathlib.Path(medium).stem}.log", "w",
                        encoding="latin-1", newline="")
        self.session.logfile_read = self.log

    def expect(self, pattern, timeout=-1):
        """Wait for `pattern`; returns the match."""
        self.session.expect(pattern, timeout=timeout)
        return self.session.match

    def send(self, text):
        self.session.send(text)

    def paste(self, data):
        """Send `data` (bytes) in the background, at the line's pace."""
        def run():
            # A QEMU that ended meanwhile takes no more.
            with contextlib.suppress(OSError, ValueError):
                for at in range(0, len(data), 4096):
                    os.write(self.session.child_fd, data[at:at + 4096])

        # The write to a terminal whose other end is gone may never return.
        self.pasting = threading.Thread(target=run, daemon=True)
        self.pasting.start()

    def paste_done(self, timeout):
        """Wait until the line has taken all of the paste."""
        self.pasting.join(timeout)
        assert not self.pasting.is_alive()

    def ends(self, timeout=60):
        """Wait until QEMU ends by itself; returns its exit status."""
        self.session.expect(pexpect.EOF, timeout=timeout)
        self.session.close()
        return self.session.exitstatus

    def close(self):
        self.session.close(force=True)
        self.log.close()


@pytest.fixture
def screen(tmp_path):
    """Its `arguments` are for boot's `extra`."""
    return Screen(tmp_path)


@pytest.fixture
def boot(tmp_path):
    """boot(options, firmware=..., modules=..., ...) -> Appliance."""
    numbers = itertools.count()

    def make(options, firmware="bios", modules=(), gzipped=True, after=(),
             elf=ELF, **kwargs):
        medium = make_iso(tmp_path / f"medium{next(numbers)}.iso", options,
                          modules, gzipped, after=after, elf=elf)
        return Appliance(medium, firmware, tmp_path, **kwargs)

    with closed_at_end(make) as start:
        yield start


@pytest.fixture
def boot_drive(tmp_path):
    """boot_drive(file, device, firmware) -> Appliance from a medium of its own,
    which it may write to, behind QEMU's `device`, which may be at what `before`
    is."""
    def make(path, device, firmware="bios", extra=(), before=(), **kwargs):
        drive = (*before, "-drive", f"id=medium,if=none,format=raw,file={path}",
                 "-device", f"{device},drive=medium,bootindex=0")
        return Appliance(path, firmware, tmp_path, drive=None,
                         extra=(*drive, *extra), **kwargs)

    with closed_at_end(make) as start:
        yield start


@pytest.fixture
def boot_medium(tmp_path):
    """boot_medium(firmware, drive) -> Appliance on the real trestle.iso."""
    def make(firmware, drive, **kwargs):
        return Appliance(BUILD / "trestle.iso", firmware, tmp_path,
                         drive=drive, **kwargs)

    with closed_at_end(make) as start:
        yield start
