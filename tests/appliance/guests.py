"""The project's own tiny guests and the sum that two of them compute."""
from conftest import BUILD

# Options of a Trestle that runs none: the firmware finds nothing to boot.
NO_GUEST = "-m 16 -net none -nographic"
EACH_OF_SEVERAL = "m 8\n"


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


def boot_machines(boot, sections, options="-nographic", head=EACH_OF_SEVERAL,
                  **kwargs):
    """Boot with a trestle.conf. sections: {name: (guest, lines...)}."""
    conf, modules = head, {}
    for name, (guest, *lines) in sections.items():
        modules[f"{name}.img"] = image(guest)
        conf += "\n".join([f"[{name}]", f"hda {name}.img", *lines, ""])
    kwargs.setdefault("limit", 120)
    return boot(options, modules=[("trestle.conf", conf.encode()),
                                  *modules.items()], **kwargs)


def guest_mac(appliance):
    """The NE2000's address that the guest ne2k_echo tells."""
    return bytes.fromhex(appliance.expect(r"ne2k_echo mac (\w{12})0000")[1])


def echoed(sent):
    """What ne2k_echo makes of a frame: addresses swapped."""
    return sent[6:12] + sent[:6] + sent[12:]
