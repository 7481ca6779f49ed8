"""The appliance in QEMU: its console as a pexpect session.

Environment: BUILD (default "build") is the build folder; `make check-appliance`
has put trestle.iso there. Every QEMU ends with its test.
"""
import os
import pathlib
import shutil
import subprocess

import pexpect
import pytest

BUILD = pathlib.Path(os.environ.get("BUILD", "build"))
ELF = BUILD / "trestle.elf"
OVMF = pathlib.Path(os.environ.get("OVMF", "/usr/share/OVMF"))
GRUB_MODULES = ("multiboot2 normal part_gpt part_msdos iso9660 fat all_video "
                "serial terminal gzio test boot configfile")


def make_iso(path, options, modules=(), gzipped=True):
    """A boot medium that starts the appliance at once with `options`.

    modules: (name, bytes) pairs, gzip'd on the medium if `gzipped`.
    """
    import gzip

    root = path.parent / (path.name + ".d")
    (root / "boot/grub").mkdir(parents=True)
    subprocess.run(["strip", "-o", root / "boot/trestle.elf", ELF], check=True)
    lines = ["insmod gzio",
             'if [ "${grub_platform}" = efi ]; then insmod all_video; fi',
             f"multiboot2 /boot/trestle.elf {options}"]
    for name, data in modules:
        (root / name).write_bytes(gzip.compress(data) if gzipped else data)
        lines.append(f"module2 /{name} {name}")
    lines.append("boot")
    (root / "boot/grub/grub.cfg").write_text("\n".join(lines) + "\n")
    subprocess.run(["grub-mkrescue", "--locales=", "--fonts=", "--themes=",
                    f"--install-modules={GRUB_MODULES}", "--compress=xz",
                    "-o", path, root], check=True, capture_output=True)
    shutil.rmtree(root)
    return path


class Appliance:
    """One QEMU whose COM1 is this session."""

    def __init__(self, medium, firmware, tmp, machine="q35", drive="cdrom",
                 net=("-nic", "none"), ram=512, extra=(), limit=120,
                 serial=("-serial", "chardev:c0")):
        args = [str(limit), "qemu-system-x86_64", "-machine", machine,
                "-m", str(ram), "-display", "none", "-monitor", "none",
                "-chardev", "stdio,id=c0,signal=off,mux=off",
                *serial, *net, *extra]
        if firmware == "uefi":
            variables = tmp / "ovmf_vars.fd"
            shutil.copy(OVMF / "OVMF_VARS_4M.fd", variables)
            flash = "if=pflash,format=raw,file="
            args += ["-drive", f"{flash}{OVMF}/OVMF_CODE_4M.fd,readonly=on",
                     "-drive", f"{flash}{variables}"]
        args += {
            "cdrom": ["-cdrom", str(medium), "-boot", "d"],
            "disk": ["-drive", f"file={medium},format=raw,snapshot=on"],
            "usb": ["-device", "qemu-xhci", "-drive",
                    f"id=stick,if=none,file={medium},format=raw,snapshot=on",
                    "-device", "usb-storage,drive=stick,bootindex=0"],
        }[drive]
        self.session = pexpect.spawn("timeout", args, timeout=limit,
                                     echo=False, encoding="latin-1")
        # A pty of 80 columns would not matter, a cooked one would.
        self.session.delaybeforesend = None

    def expect(self, pattern, timeout=-1):
        """Wait for `pattern`; returns the match."""
        self.session.expect(pattern, timeout=timeout)
        return self.session.match

    def send(self, text):
        self.session.send(text)

    def ends(self, timeout=60):
        """Wait until QEMU ends by itself; returns its exit status."""
        self.session.expect(pexpect.EOF, timeout=timeout)
        self.session.close()
        return self.session.exitstatus

    def close(self):
        self.session.close(force=True)


@pytest.fixture
def boot(tmp_path):
    """boot(options, firmware=..., modules=..., ...) -> Appliance."""
    started = []

    def start(options, firmware="bios", modules=(), gzipped=True, **kwargs):
        medium = make_iso(tmp_path / f"medium{len(started)}.iso", options,
                          modules, gzipped)
        started.append(Appliance(medium, firmware, tmp_path, **kwargs))
        return started[-1]

    yield start
    for appliance in started:
        appliance.close()


@pytest.fixture
def boot_medium(tmp_path):
    """boot_medium(firmware, drive) -> Appliance on the real trestle.iso."""
    started = []

    def start(firmware, drive, **kwargs):
        started.append(Appliance(BUILD / "trestle.iso", firmware, tmp_path,
                                 drive=drive, **kwargs))
        return started[-1]

    yield start
    for appliance in started:
        appliance.close()
