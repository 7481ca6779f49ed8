"""The project's own tiny guests and the sum that two of them compute."""
from conftest import BUILD


def image(name):
    return (BUILD / "guests" / f"{name}.img").read_bytes()


def check_sum_line(data):
    """What check_sum_print (tests/guests/lib.c) prints for `data`."""
    a = b = 0
    for byte in data:
        a = (a + byte) % 65535
        b = (b + a) % 65535
    return f"bytes {len(data):08x} sum {b << 16 | a:08x}"


def boot_guest(boot, name, options="", data=None, **kwargs):
    """Boot the appliance with the guest as its first disk."""
    kwargs.setdefault("limit", 60)
    return boot(f"-m 8 -hda guest.img -nographic {options}",
                modules=[("guest.img", data or image(name))], **kwargs)
