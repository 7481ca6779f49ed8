"""A terminal session on the appliance: QEMU's serial line in tmux."""
import pytest

from conftest import BUILD, CPU
from terminal import Terminal, paste_script, see_top, use_vi

LIMIT = 1800


@pytest.fixture
def terminal(tmp_path):
    """Terminal on the real medium's serial line, at GRUB."""
    # In a tmux pane the terminal is QEMU's to set up; as in tests of the line,
    # its output goes out as it is (conftest.transparent_output).
    t = Terminal(tmp_path, [
        "sh", "-c", 'stty -opost; exec "$0" "$@"',
        "qemu-system-x86_64", "-machine", "q35", "-m", 512, "-cpu", CPU,
        "-display", "none", "-monitor", "none", "-nic", "none",
        "-chardev", "stdio,id=c0,signal=off,mux=off", "-serial", "chardev:c0",
        "-cdrom", BUILD / "trestle.iso", "-boot", "d"], LIMIT)
    yield t
    t.close()


def test_session(terminal):
    """vi, top and a pasted script, then power-off by the escape key."""
    terminal.wait("Please press Enter to activate this console")
    terminal.keys("Enter")
    terminal.wait(r"root@router:/# $")
    use_vi(terminal)
    see_top(terminal)
    paste_script(terminal)
    terminal.keys("C-a", "x")
    terminal.wait(r"Power off\?")
    terminal.keys("y")
    terminal.wait_end()
