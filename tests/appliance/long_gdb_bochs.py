"""gdb and a 64-bit guest under VT-x, in Bochs, whose COM2 is gdb's."""
import os
import pty
import threading
import tty

from bochs import SWITCHED_OFF, boot_bochs
from gdb import gdb             # the fixture
from guests import image
from long64_debug import debug_long64

assert boot_bochs and gdb       # fixtures


def join(one, other):
    """What one end of a line sends comes to the other, both ways."""
    def pass_on(source, sink):
        try:
            while data := os.read(source, 4096):
                os.write(sink, data)
        except OSError:
            pass                # its terminal was closed

    for ends in ((one, other), (other, one)):
        threading.Thread(target=pass_on, args=ends, daemon=True).start()


def test_long_mode(boot_bochs, gdb):
    """As under svm (test_gdb.py)."""
    lines = [pty.openpty() for _ in range(2)]
    for _, slave in lines:
        tty.setraw(slave)
    join(lines[0][0], lines[1][0])
    bochs = boot_bochs("-m 8 -cpu trestle64 -S -gdb com2 -hda guest.img "
                       "-net none -nographic", limit=3000,
                       modules=[("guest.img", image("long64"))],
                       com2=os.ttyname(lines[0][1]))
    bochs.expect(r"engine vmx, 8 MiB")
    bochs.expect("gdb: waits at com2")
    g = gdb(limit=2000)
    g.run("set remotetimeout 300")
    said = g.run(f"target remote {os.ttyname(lines[1][1])}")
    assert "Remote debugging using" in said, said
    debug_long64(bochs, g)
    assert bochs.ends() == SWITCHED_OFF
    for ends in lines:
        for fd in ends:
            os.close(fd)
