"""Files that the monitor prints over the serial line."""
import subprocess

# As in the manual: the serial line's log on stdin, the file on stdout.
DECODE = r"tr -d '\r' | sed -n '/^begin-base64/,/^====/{//!p}' | base64 -d"


def decode(text):
    return subprocess.run(["sh", "-c", DECODE], input=text.encode("latin-1"),
                          check=True, capture_output=True).stdout
