"""tmux as a person's terminal, and what a person does in a Linux guest there.

Each Terminal is a tmux server of its own (a socket in the test's folder), with
one pane of 80x24; keys are sent by tmux's names, and the screen is read as text.
"""
import hashlib
import random
import re
import subprocess
import time

COLUMNS, ROWS = 80, 24
PROMPT = r"root@router:/# $"


class Terminal:
    """A pane that runs `words`; `limit` seconds bound its life and each wait."""

    def __init__(self, folder, words, limit):
        self.socket = folder / "tmux"
        self.limit = limit
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", COLUMNS, "-y",
                  ROWS, "timeout", "--foreground", "-k", "5", limit, *words)
        self.tmux("set-option", "-g", "status", "off")
        self.tmux("set-option", "-g", "remain-on-exit", "on")
        self.tmux("resize-window", "-x", COLUMNS, "-y", ROWS)

    def tmux(self, *words):
        """Run a tmux command; returns its output."""
        return subprocess.run(["tmux", "-S", self.socket, *map(str, words)],
                              check=True, capture_output=True, timeout=60,
                              text=True).stdout

    def keys(self, *names):
        """Press keys by tmux's names ("Enter", "C-a", "Up", "x")."""
        self.tmux("send-keys", *names)

    def type(self, text):
        """Type it as it stands."""
        self.tmux("send-keys", "-l", text)

    def paste(self, text):
        """From a buffer, as a mouse does it; LF becomes CR."""
        subprocess.run(["tmux", "-S", self.socket, "load-buffer", "-"],
                       input=text, check=True, text=True, timeout=60)
        self.tmux("paste-buffer", "-d")

    def screen(self):
        """The pane's lines, without blanks at their ends."""
        lines = self.tmux("capture-pane", "-p").split("\n")[:ROWS]
        return [line.rstrip() for line in lines]

    def wait_cursor(self, column, row):
        """Until the cursor is there, from 0: it moves after the text came."""
        end = time.monotonic() + self.limit
        while (at := self.tmux("display-message", "-p", "#{cursor_x},#{cursor_y}"
                               ).strip()) != f"{column},{row}":
            assert time.monotonic() < end, f"the cursor is at {at}"
            time.sleep(0.1)

    def wait(self, pattern, lines=None):
        """Until `pattern` is on the screen (at an end of its text: the last).

        lines: until the screen begins with these instead.
        """
        end = time.monotonic() + self.limit
        while time.monotonic() < end:
            screen = self.screen()
            text = "\n".join(screen).rstrip("\n")
            # A prompt's blank at the end was taken off with the others.
            if lines is None and re.search(pattern, text + " "):
                return text
            if lines is not None and screen[:len(lines)] == lines:
                return text
            time.sleep(0.1)
        raise AssertionError(f"{lines or pattern!r} did not come:\n{text}")

    def wait_end(self):
        """Until the program has ended by itself."""
        end = time.monotonic() + 30
        while self.tmux("display-message", "-p", "#{pane_dead}").strip() != "1":
            assert time.monotonic() < end, "it did not end"
            time.sleep(0.1)

    def close(self):
        subprocess.run(["tmux", "-S", self.socket, "kill-server"], timeout=60,
                       capture_output=True, check=False)


def run(t, command, pattern):
    """A shell command; waits for `pattern` and for the next prompt."""
    t.type(command)
    t.keys("Enter")
    t.wait(pattern)
    t.wait(PROMPT)


def leave_insert(t):
    """ESC alone: what follows at once would belong to it.

    That vi inserts must be seen before: what its last line said earlier would
    do for the answer, and busybox's vi drops an ESC with what follows.
    """
    t.wait(r"\nI /tmp/text")
    t.keys("Escape")
    t.wait(r"\n- /tmp/text")


def use_vi(t):
    """Insert, open a line, delete, undo, arrow keys, :wq; the screen each time."""
    # A pane has 24 rows, but a serial line does not say so. What the kernel may
    # have to say of its clocks on a busy host is not vi's.
    run(t, f"dmesg -n 1; stty rows {ROWS} cols {COLUMNS}; export TERM=xterm; "
        "clear", PROMPT)
    t.type("vi /tmp/text")
    t.keys("Enter")
    t.wait("", ["", *["~"] * (ROWS - 2)])
    t.keys("i")
    t.type("first line")
    t.keys("Enter")
    t.type("second line, of which some goes")
    t.keys("Enter")
    t.type("third line")
    leave_insert(t)
    tildes = ["~"] * (ROWS - 4)
    t.wait("", ["first line", "second line, of which some goes", "third line",
                *tildes])
    t.keys("Up", "0")
    t.keys(*["Right"] * 11)
    t.keys("D")
    t.wait("", ["first line", "second line", "third line", *tildes])
    t.wait_cursor(10, 1)
    t.keys("Down", "d", "d", "k")
    t.wait("", ["first line", "second line", "~", *tildes])
    t.keys("u")
    t.wait("", ["first line", "second line", "third line", *tildes])
    t.keys("G", "o")
    t.type("fourth, left")
    t.keys("Left", "Left", "Left", "Left", "Left", "Left")
    t.type(" with arrows")
    leave_insert(t)
    t.keys("g", "g", "x")
    want = ["irst line", "second line", "third line",
            "fourth with arrows, left"]
    t.wait("", [*want, *["~"] * (ROWS - 5)])
    t.wait_cursor(0, 0)
    t.type(":wq")
    t.keys("Enter")
    t.wait(PROMPT)
    run(t, "clear; md5sum /tmp/text",
        hashlib.md5("".join(line + "\n" for line in want).encode())
        .hexdigest())


def see_top(t):
    """It fills the screen, is sorted, changes, and ends by a key."""
    t.type("top -d 1")
    t.keys("Enter")
    t.wait(r"(?s)^Mem: \d+K used.*\nCPU: .*\nLoad average: .*\n"
           r"  PID  PPID USER     STAT   VSZ %VSZ %CPU COMMAND\n"
           rf"(?:.+\n){{{ROWS - 6}}}.+")
    t.keys("M")                 # by memory
    t.wait(r"\n +\d+ +\d+ root +\S+ +\d+ +\d+")
    t.keys("q")
    t.wait(PROMPT)


def script_lines():
    """200 lines of what a shell takes for something special elsewhere."""
    numbers = random.Random(200)
    odd = "$`\\\"'!#%&*(){}[]|;<>?~^=+,.:/@-_"
    return [f"echo {n} '" + "".join(
        numbers.choices("abcdefghijklmnopqrstuvwxyz0123456789 " +
                        odd.replace("'", ""), k=numbers.randint(0, 56)))
            + f"' # {n}" for n in range(200)]


def paste_script(t):
    """200 lines at once into a here-document; the file is what was pasted."""
    text = "".join(line + "\n" for line in script_lines())
    run(t, "clear; stty -echo", PROMPT)
    t.paste(f"cat >/tmp/script <<'the end'\n{text}the end\n")
    # The answer's digits are none of the question's.
    t.type("stty echo; echo lines $(wc -l </tmp/script)")
    t.keys("Enter")
    t.wait(r"lines 200\n")
    run(t, "clear; md5sum /tmp/script",
        hashlib.md5(text.encode()).hexdigest())
    want = "".join(re.sub(r"^echo (\d+) '(.*)' # \d+$", r"\1 \2", line) + "\n"
                   for line in script_lines())
    run(t, "clear; sh /tmp/script | md5sum",
        hashlib.md5(want.encode()).hexdigest())
