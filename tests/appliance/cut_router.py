"""A router on a disk that loses power: its jffs2, and an ext4 beside it."""
import hashlib
import random
import re
import subprocess

from conftest import BUILD
from nbd.cached_disk import SECTOR
from shell import PROMPT, Shell

CYLINDER = 16 * 63                      # sectors, as the router's table has it
START, CYLINDERS = 72, 320              # of the ext4
BASE = random.Random(3).randbytes(4_000_000)
BIG_FILES = 25                          # each BASE and a little more: 100 MB
KEPT = 8                                # small files that `work` leaves
SCRIPTS = {
    "fill": f"""\
#!/bin/sh
i=0
while [ $i -lt {BIG_FILES} ]; do
  {{ echo $i; cat base; }} | dd of=big$i bs=64k conv=fsync 2>/dev/null || exit
  i=$((i+1))
done
""",
    "work": f"""\
#!/bin/sh
n=$1
while :; do
  {{ echo $n
    dd if=base bs=1k skip=$((n%50)) count=$((n%7*40+1)) 2>/dev/null; }} >f$n
  head -c $((n%5*1000+500)) f$n >/etc/k$n
  /bin/sync && echo synced $n || exit
  rm -f f$((n-{KEPT})) /etc/k$((n-{KEPT}))
  n=$((n+1))
done
"""}


def big_file(number):
    return f"{number}\n".encode() + BASE


def small_file(number):
    """What `work` writes to the ext4."""
    start = number % 50 * 1024
    return f"{number}\n".encode() + BASE[start:start + (
        number % 7 * 40 + 1) * 1024]


def kept_file(number):
    """And to the jffs2."""
    return small_file(number)[:number % 5 * 1000 + 500]


def make_disk(tmp, cylinders=CYLINDERS):
    """
    The router's image at its full size, and an ext4 in partition 3. Without
    checksums: with them Linux 6.1 does not mount it, "journal transaction N is
    corrupt", when the cut has torn a commit block (jbd2_journal_load), of which
    the first sector is all that counts; e2fsck goes on over it.
    """
    folder = tmp / "ext4.d"
    folder.mkdir()
    (folder / "base").write_bytes(BASE)
    for name, text in SCRIPTS.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    path = tmp / "ext4.img"
    with open(path, "wb") as f:
        f.truncate(cylinders * CYLINDER * SECTOR)
    subprocess.run(["/sbin/mke2fs", "-q", "-F", "-t", "ext4", "-O",
                    "^metadata_csum", "-d", folder, path], check=True,
                   timeout=60)
    data = bytearray((BUILD / "router.img").read_bytes())
    data = data.ljust(START * CYLINDER * SECTOR, b"\0") + path.read_bytes()
    last = START + cylinders - 1
    data[478:494] = bytes(
        [0, 0, 1 | START >> 2 & 0xc0, START & 255,
         0x83, 15, 63 | last >> 2 & 0xc0, last & 255]) + (
        START * CYLINDER).to_bytes(4, "little") + (
        cylinders * CYLINDER).to_bytes(4, "little")
    return bytes(data)


def check_ext4(data, tmp, first=0, cylinders=CYLINDERS):
    """Clean, once its journal is played back; in a copy. `data`: a disk's, on
    which the router's begins at sector `first`."""
    path = tmp / "ext4.img"
    at = (first + START * CYLINDER) * SECTOR
    path.write_bytes(memoryview(data)[at:at + cylinders * CYLINDER * SECTOR])
    for how in ("-y", "-E", "journal_only"), ("-fn",):
        done = subprocess.run(["/sbin/e2fsck", *how, path], text=True,
                              capture_output=True, timeout=120)
        assert done.returncode in ((0, 1) if how[0] == "-y" else (0,)), (
            done.stdout + done.stderr)


def log_in(appliance):
    """To the shell, the jffs2 and the ext4 mounted."""
    appliance.expect(r"Please press Enter to activate this console", 600)
    appliance.send("\r")
    appliance.expect(PROMPT)
    shell = Shell(appliance)
    shell.run("dmesg -n 1; modprobe ext4; mkdir -p /tmp/d")
    shell.run("mount -t ext4 /dev/sda3 /tmp/d && cd /tmp/d")
    mounts = shell.run("cat /proc/mounts")
    assert re.search(r"mtd0 /overlay jffs2 rw", mounts), mounts
    faults = shell.run("dmesg | grep -iE "
                       "'ext4.*error|jffs2.*(error|corrupt)|I/O error'; :")
    assert not faults.strip(), faults
    return shell


def check_sums(shell, files):
    """files: {name: content}, as the guest reads it from the disk."""
    shell.run("echo 3 >/proc/sys/vm/drop_caches")
    sums = dict(reversed(line.split()) for line in shell.run(
        f"sha256sum {' '.join(files)}", 300).splitlines() if line.strip())
    for name, data in files.items():
        assert sums[name] == hashlib.sha256(data).hexdigest(), name


def fill(shell):
    """100 MB, synced file by file."""
    shell.run("./fill", 900)
    check_big_files(shell)


def check_big_files(shell):
    for first in range(0, BIG_FILES, 5):        # lines of the terminal's length
        check_sums(shell, {f"big{i}": big_file(i)
                           for i in range(first, first + 5)})


def check_small_files(shell, last, first):
    """Those of `first` and later that are sure to be there once `last` was
    synced; then all are removed."""
    numbers = range(max(last - KEPT + 2, first), last + 1)
    for names, content in ("f{}", small_file), ("/etc/k{}", kept_file):
        if numbers:
            check_sums(shell, {names.format(n): content(n) for n in numbers})
    shell.run("rm -f f[0-9]* /etc/k[0-9]*; /bin/sync")


def last_synced(said, first):
    """The number that `work` told last; `first` - 1: none."""
    last = first - 1
    for line in said.replace("\r", "").split("\n")[:-1]:
        if line.startswith("synced "):
            last = int(line.split()[1])
    return last
