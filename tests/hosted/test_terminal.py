"""A terminal session as a person has it: `trestle -nographic` in tmux.

The guest's full-screen programs draw on tmux's own terminal, and what stands
there is compared: vi, top, and a pasted script of 200 lines.
"""
import shutil

import pytest

from conftest import BUILD
from terminal import Terminal, paste_script, see_top, use_vi


@pytest.fixture
def terminal(tmp_path):
    """terminal(words) -> Terminal of 80x24 that runs them."""
    made = []

    def start(*words, limit):
        made.append(Terminal(tmp_path, words, limit))
        return made[-1]

    yield start
    for t in made:
        t.close()


def test_session(terminal, tmp_path):
    """vi, top and a pasted script, then the escape key ends it."""
    image = shutil.copy(BUILD / "router.img", tmp_path / "router.img")
    t = terminal(BUILD / "trestle", "-m", 64, "-hda", image, "-net", "none",
                 "-nographic", limit=400)
    t.wait("Please press Enter to activate this console")
    t.keys("Enter")
    t.wait(r"root@router:/# $")
    use_vi(t)
    see_top(t)
    paste_script(t)
    t.keys("C-a", "x")
    t.wait_end()
