"""The picture of a guest's screen, printed over the serial line."""
from console import monitor, switch_off, to_monitor
from guests import boot_guest
from pictures import drawn, read_png
from printed import decode


def test_screendump_over_the_serial_line(boot):
    appliance = boot_guest(boot, "screens", limit=180)
    appliance.expect("ready")
    appliance.send("1")
    appliance.expect("mode 1")
    to_monitor(appliance)
    assert read_png(decode(monitor(appliance, "screendump"))) == drawn("1")
    assert "no place for files here" in monitor(appliance, "screendump x.png")
    switch_off(appliance)
