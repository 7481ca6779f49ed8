"""What a Linux guest sees of its PC: keys, power button, UUID, CDs."""
import re
import shutil

from conftest import BUILD
from test_router import Router

KEY_POWER, KEY_A, KEY_LEFTCTRL = 116, 30, 29


def events(t, router, device, command, count):
    """Key events that `device` gives at a command: (code, value) each."""
    router.run(f"dd if={device} bs=16 count={count} 2>/dev/null "
               ">/tmp/events & sleep 1")
    t.to_monitor()
    assert t.monitor(command) == ""
    t.to_console()
    text = router.run("wait; hexdump -v -e '16/1 \"%02x\" \"\\n\"' "
                      "/tmp/events")
    words = [bytes.fromhex(line)
             for line in re.findall(r"(?m)^[0-9a-f]{32}$", text)]
    assert len(words) == count, text
    # struct input_event: 8 bytes of time, type, code, value.
    return [(w[10] | w[11] << 8, w[12]) for w in words if w[8] == 1]


def device_of(router, name):
    text = router.run("cat /proc/bus/input/devices")
    block = [b for b in text.split("\n\n") if f'Name="{name}"' in b]
    return "/dev/input/" + re.search(r"event\d+", block[0])[0]


def test_keys_mouse_and_power_button(trestle, tmp_path):
    image = shutil.copy(BUILD / "router.img", tmp_path / "router.img")
    t = trestle("-m", 64, "-hda", image, "-net", "none", limit=300)
    router = Router(t)
    router.log_in()
    router.run("modprobe -a button evdev")
    keyboard = device_of(router, "AT Translated Set 2 keyboard")
    # Each key comes with its scan code and an end: three events.
    assert events(t, router, keyboard, "sendkey ctrl-a", 12) == [
        (KEY_LEFTCTRL, 1), (KEY_A, 1), (KEY_A, 0), (KEY_LEFTCTRL, 0)]
    button = device_of(router, "Power Button")
    assert (KEY_POWER, 1) in events(t, router, button, "system_powerdown", 4)
    assert re.match(r" +1 ", router.run(
        "cat /sys/firmware/acpi/interrupts/ff_pwr_btn"))


def test_uuid_and_cds_that_come_and_go(trestle, tmp_path):
    image = shutil.copy(BUILD / "router.img", tmp_path / "router.img")
    cds = [tmp_path / name for name in ("first.iso", "second.iso")]
    for cd in cds:
        cd.write_bytes(cd.name.encode().ljust(2048) * 300)
    uuid = "550e8400-e29b-41d4-a716-446655440000"
    t = trestle("-m", 64, "-hda", image, "-cdrom", cds[0], "-net", "none",
                "-uuid", uuid, limit=300)
    router = Router(t)
    router.log_in()
    assert router.run("cat /sys/class/dmi/id/product_uuid") == uuid + "\n"
    router.run("modprobe sr_mod")

    def reads():
        return router.run("dd if=/dev/sr0 bs=2048 count=1 2>&1 | head -c 20")

    def monitor(command):
        t.to_monitor()
        text = t.monitor(command)
        t.to_console()
        return text

    assert "first.iso" in reads()
    assert monitor(f"change hdc {cds[1]}") == ""
    assert "second.iso" in reads()
    assert monitor("eject hdc") == ""
    assert "[not inserted]" in monitor("info block")
    assert "No medium" in router.run("dd if=/dev/sr0 bs=2048 count=1 2>&1 "
                                     "| tail -n 1")
    assert monitor(f"change hdc {cds[0]}") == ""
    assert "first.iso" in reads()
    # A device that is open is locked.
    router.run("sleep 1000 </dev/sr0 & sleep 1")
    assert "is locked by the guest" in monitor("eject hdc")
    assert monitor("eject -f hdc") == ""
