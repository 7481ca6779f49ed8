"""Debian for i386 from its own disk under svm: GRUB 2, initramfs, systemd.

Minutes, and a disk of its own (tools/debian-disk), so not in `make check`.
"""
import time

from accel import SVM
from conftest import BUILD
from console import switch_off

IMAGE = BUILD / "debian.img"


def test_to_the_login(boot, record_property):
    appliance = boot("-m 256 -hda debian.img -net none -nographic",
                     ram=1024, limit=1700, gzipped=False,
                     modules=[("debian.img", IMAGE.read_bytes())], extra=SVM)
    appliance.expect(r"engine svm,")
    start = time.monotonic()
    appliance.expect(r"Linux version 6\.1\.\S+-686 ", 300)
    appliance.expect(r"Run /init as init process", 300)
    appliance.expect(r"systemd\[1\]: ", 300)
    appliance.expect(r"trestle-debian login: ", 900)
    seconds = round(time.monotonic() - start)
    record_property("GRUB to login", seconds)
    print(f"Debian i386 under svm: {seconds} s to its login")
    switch_off(appliance)
