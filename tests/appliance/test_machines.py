"""Several machines: trestle.conf as a module, the keys, ends of their own."""
import re

import pytest

from guests import image

ESCAPE = "\x01"
PROMPT = r"\(trestle\) "
HEAD = "m 8\n"


def boot_machines(boot, sections, options="-nographic", head=HEAD, **kwargs):
    """Boot with a trestle.conf. sections: {name: (guest, lines...)}."""
    conf, modules = head, {}
    for name, (guest, *lines) in sections.items():
        modules[f"{name}.img"] = image(guest)
        conf += "\n".join([f"[{name}]", f"hda {name}.img", *lines, ""])
    kwargs.setdefault("limit", 120)
    return boot(options, modules=[("trestle.conf", conf.encode()),
                                  *modules.items()], **kwargs)


def show(appliance, digit, name):
    appliance.send(ESCAPE + str(digit))
    appliance.expect(rf"\[machine {digit}: {name}, [^\]]*\]\r\n")


def monitor(appliance, command):
    """A monitor command's answer; the focus goes there and stays."""
    appliance.send(command + "\r")
    appliance.expect(re.escape(command) + r"\r\n")
    appliance.expect(PROMPT)
    return appliance.session.before


def test_ends_of_their_own(boot):
    """Power-off, triple fault, -no-reboot: the others do not notice."""
    appliance = boot_machines(boot, {
        "off": ("uart_echo",), "fault": ("uart_echo",),
        "once": ("uart_echo", "no-reboot"), "last": ("uart_echo",)},
        head="uart baud=57600  # the console\n" + HEAD)
    appliance.expect(r"console: UART at port 3f8h, IRQ 4, 57600 8N1")
    for number, name in enumerate(("off", "fault", "once", "last"), 1):
        if number > 1:
            show(appliance, number, name)
        appliance.expect("uart_echo ready\r\n")
    show(appliance, 2, "fault")
    appliance.send("~t")
    appliance.expect("fault: triple fault at")
    appliance.expect("uart_echo ready\r\n")
    show(appliance, 3, "once")
    appliance.send("~t")
    appliance.expect(r"once: the guest rebooted \(-no-reboot\)")
    show(appliance, 1, "off")
    appliance.send("~p")
    appliance.expect("off: the guest switched itself off")
    appliance.send(ESCAPE + "c")
    appliance.expect(PROMPT)
    listed = monitor(appliance, "info machines")
    for row in (r"\* 1 +off +off ", r"  2 +fault +running ",
                r"  3 +once +ended \(-no-reboot\) ", r"  4 +last +running "):
        assert re.search(row, listed), listed
    # The reset button switches it on again.
    appliance.send("system_reset\r" + ESCAPE + "c")
    appliance.expect("uart_echo ready\r\n")
    for number, name in enumerate(("off", "fault", "last"), 1):
        show(appliance, number + (number == 3), name)
        appliance.send("~p")
        appliance.expect(f"{name}: the guest switched itself off")
    assert appliance.ends() == 0


@pytest.mark.parametrize("conf,why", [
    (b"[a]\nhda a.img\n[b]\nhda a.img\n", r"-hda: cannot open 'a.img': busy"),
    (b"[a]\nhda a.img\nfrob\n", r"trestle.conf:3: -frob: unknown option"),
    (b"m 64\n", r"trestle.conf: no machine"),
])
def test_mistakes_are_told(boot, conf, why):
    appliance = boot("-nographic", modules=[
        ("trestle.conf", conf), ("a.img", image("uart_echo"))])
    appliance.expect(why)
    appliance.expect(r"switching off \(status 1\)")
    appliance.ends()
