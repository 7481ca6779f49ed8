#!/usr/bin/python3
"""Debian's i386 stress programs inside the hosted emulator.

Boots the router image with the disk of tools/stress-disk and two more: one with
keys and data for openssl (hdc) and an empty one for fio (hdd). Every test runs
in that one guest. Prints a table; the exit status is 0 when all passed. The
commands are listed in docs/STRESS.md.
"""
import argparse
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

import pexpect

from router import Failure, Router, last_words

HERE = pathlib.Path(__file__).resolve().parent
SCRATCH_MIB = 48
# Time limits are for a guest that has a small part of a slow machine.
LIMIT = 1200
METHOD_OPS, METHOD_SECONDS, VM_SECONDS = 5, 10, 5


class Guest(Router):
    """The router with the disks of make_disks."""

    def __init__(self, program, disks, accel, log):
        args = ["-m", "256", "-nographic", "-net", "none"]
        for letter, path in disks.items():
            args += [f"-hd{letter}", str(path)]
        if accel:
            args += ["-accel", accel]
        super().__init__(program, args, LIMIT, log)

    def boot(self):
        super().boot()
        # Its messages would stand among the programs' output.
        self.good("dmesg -n 1; modprobe ext4;"
                  f" mount -o ro {self.disk('b')} /mnt"
                  f" && mount -o ro {self.disk('c')} /mnt/data")

    def disk(self, letter):
        """The guest's name of hda to hdd, which differs between boots."""
        place = {"a": "0:0:0", "b": "0:0:1", "c": "1:0:0", "d": "1:0:1"}
        name = self.good(f"ls /sys/bus/scsi/devices/{place[letter]}:0/block")
        return f"/dev/{name.strip()}"


def make_data(folder):
    """Keys and inputs for openssl.sh, and the script itself."""
    def openssl(*args):
        subprocess.run(["openssl", *map(str, args)], check=True,
                       capture_output=True,
                       env={**os.environ, "OPENSSL_CONF": "/dev/null"})

    folder.mkdir()
    shutil.copy(HERE / "openssl.sh", folder)
    for i, size in enumerate((1, 4096, 100003)):
        (folder / f"input{i}").write_bytes(os.urandom(size))
    (folder / "message").write_bytes(os.urandom(32))
    for bits in (1024, 2048, 4096):
        openssl("genrsa", "-out", folder / f"rsa{bits}.pem", bits)
    for bits in (2048, 4096):
        openssl("pkeyutl", "-encrypt", "-inkey", folder / f"rsa{bits}.pem",
                "-in", folder / "message",
                "-out", folder / f"rsa{bits}.secret")
    openssl("genpkey", "-algorithm", "ed25519", "-out", folder / "ed25519.pem")
    p256 = folder / "p256.pem"
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", p256)
    openssl("ec", "-in", p256, "-pubout", "-out", folder / "p256.pub")


def make_disks(folder, router, stress):
    """Copies and new disks; returns letter -> path."""
    disks = {"a": folder / "router.img", "b": folder / "stress.img",
             "c": folder / "data.img", "d": folder / "scratch.img"}
    shutil.copy(router, disks["a"])
    shutil.copy(stress, disks["b"])
    make_data(folder / "data")
    subprocess.run(["/sbin/mke2fs", "-q", "-t", "ext2", "-d", folder / "data",
                    disks["c"], "2048"], check=True, capture_output=True)
    with open(disks["d"], "wb") as f:
        f.truncate(SCRATCH_MIB << 20)
    return disks


class Tests:
    """Each test_NAME returns a remark for the table or raises Failure."""

    def __init__(self, guest, folder, seconds):
        self.guest = guest
        self.folder = folder
        self.seconds = seconds

    def stress_ng(self, words, limit=None):
        """Run stress-ng; returns its operations."""
        output = self.guest.good(
            f"/mnt/run stress-ng {words} {limit or f'-t {self.seconds}'}"
            " --verify --metrics --temp-path /tmp")
        count = re.search(r"metrc:\s+\[\d+\] \S+\s+(\d+)\s+[\d.]+\s", output)
        if not count or not int(count[1]):
            raise Failure("no operation was completed")
        return int(count[1])

    def methods(self, stressor, limit=None, without=()):
        """Every method of a stressor by itself, but those in `without`."""
        _, output = self.guest.run(
            f"/mnt/run stress-ng --{stressor} 1 --{stressor}-method list")
        listed = re.search(r"must be one of: all (.*)", output)[1].split()
        methods = [method for method in listed if method not in without]
        limit = limit or f"--{stressor}-ops {METHOD_OPS} -t {METHOD_SECONDS}"
        failed = []
        for method in methods:
            try:
                self.stress_ng(f"--{stressor} 1 --{stressor}-method {method}",
                               limit)
            except Failure as failure:
                failed.append(f"{method}: {failure}")
        if failed:
            raise Failure("; ".join(failed))
        return f"{len(methods)} methods"

    def test_cpu_methods(self):
        return self.methods("cpu")

    def test_vm_methods(self):
        # With a limit of operations some do none at all; cache-lines never
        # counts one, whatever the engine.
        return self.methods("vm", f"--vm-bytes 256K -t {VM_SECONDS}",
                            ("cache-lines",))

    def test_str_methods(self):
        return self.methods("str")

    def test_wcs_methods(self):
        return self.methods("wcs")

    def test_memcpy_methods(self):
        return self.methods("memcpy")

    def test_cpu_all(self):
        return f"{self.stress_ng('--cpu 1 --cpu-method all')} ops"

    def test_switch(self):
        return f"{self.stress_ng('--switch 1')} ops"

    def test_context(self):
        return f"{self.stress_ng('--context 1')} ops"

    def test_fork(self):
        return f"{self.stress_ng('--fork 1')} ops"

    def test_sigsegv(self):
        return f"{self.stress_ng('--sigsegv 1')} ops"

    def test_sigfpe(self):
        return f"{self.stress_ng('--sigfpe 1')} ops"

    def test_fp_error(self):
        return f"{self.stress_ng('--fp-error 1')} ops"

    def test_openssl(self):
        """The same script here and in the guest."""
        native = subprocess.run(["sh", HERE / "openssl.sh",
                                 self.folder / "data"], check=True,
                                capture_output=True, text=True).stdout
        here = native.splitlines()
        there = self.guest.good(
            "/mnt/run sh /data/openssl.sh /data").splitlines()
        if any(re.search(r"FAILED| $", line) for line in here):
            raise Failure("the native run failed")
        if len(here) != len(there):
            raise Failure(f"{len(there)} results, natively {len(here)}")
        wrong = [a.rsplit(" ", 1)[0] for a, b in zip(here, there) if a != b]
        if wrong:
            raise Failure(f"{len(wrong)} differ: {', '.join(wrong[:5])}")
        return f"{len(here)} results equal"

    def test_memtester(self):
        output = self.guest.good("/mnt/run memtester 4M 1 >/tmp/memtester.log;"
                                 " status=$?; cat /tmp/memtester.log;"
                                 " (exit $status)")
        count = len(re.findall(r": .*\bok$", output, re.MULTILINE))
        if "FAILURE" in output or "Done." not in output or count < 17:
            raise Failure(last_words(output))
        return f"{count} patterns"

    def fio(self, words):
        """Run fio with CRC32C in every block; returns what it read back."""
        output = self.guest.good(
            "/mnt/run fio --name=blocks --verify=crc32c --verify_fatal=1"
            f" --rw=randwrite --size={SCRATCH_MIB - 8}M {words}")
        if ": err= 0" not in output:
            raise Failure(last_words(output))
        read = re.search(r"READ: .*io=([\d.]+MiB)", output)
        return read[1] if read else None

    def test_fio_raw(self):
        """Past the page cache, blocks of all sizes, eight at a time."""
        verified = self.fio(f"--filename={self.guest.disk('d')} --direct=1"
                            " --bsrange=4k-128k --ioengine=libaio --iodepth=8")
        if verified != f"{SCRATCH_MIB - 8}.0MiB":
            raise Failure(f"{verified} verified")
        return f"{verified} verified"

    def test_fio_file(self):
        """Through ext4 with flushes, read back when nothing is cached."""
        job = "--filename=/scratch/file --bs=8k --ioengine=psync"
        disk = self.guest.disk("d")
        mount = f"mount -t ext4 {disk} /mnt/scratch"
        self.guest.good(f"mke2fs {disk} && {mount}")
        self.fio(f"{job} --fsync=32 --do_verify=0")
        self.guest.good(f"umount /mnt/scratch && {mount}")
        verified = self.fio(f"{job} --verify_only=1")
        self.guest.good("umount /mnt/scratch")
        if verified != f"{SCRATCH_MIB - 8}.0MiB":
            raise Failure(f"{verified} verified")
        return f"{verified} verified"

    def test_scratch_equal(self):
        """What the guest sees on the scratch disk is in the image."""
        self.guest.good("sync; echo 3 >/proc/sys/vm/drop_caches")
        disk = self.guest.disk("d")
        there = self.guest.good(f"sha256sum <{disk}").split()[0]
        data = (self.folder / "scratch.img").read_bytes()
        if there != hashlib.sha256(data).hexdigest():
            raise Failure("the image differs from the guest's disk")
        if not any(data):
            raise Failure("nothing was written")
        return f"{len(data) >> 20} MiB equal"

    def test_kernel_log(self):
        """The guest's kernel has met nothing that it calls an error."""
        log = self.guest.good("dmesg")
        bad = re.findall(r".*(?:BUG:|Oops|WARNING:|Call Trace|I/O error|"
                         r"ata\d.*(?:exception|failed|timeout)|EXT4-fs error|"
                         r"soft lockup|hung task|segfault).*", log)
        if bad:
            raise Failure(f"{len(bad)} lines, {bad[0]}")
        return f"{len(log.splitlines())} lines"


ALL = [name[5:] for name in vars(Tests) if name.startswith("test_")]


def run_tests(tests, names):
    """Run and print the table; returns the number of failures."""
    failures = 0
    rows = []
    for name in names:
        print(f"stress: {name} ...", flush=True)
        start = time.monotonic()
        try:
            verdict, remark = "pass", getattr(tests, f"test_{name}")()
        except (Failure, pexpect.TIMEOUT, pexpect.EOF) as error:
            verdict, failures = "FAIL", failures + 1
            remark = (str(error) if isinstance(error, Failure)
                      else f"the guest was lost: {type(error).__name__}")
        rows.append((name, verdict, time.monotonic() - start, remark))
        print(f"  {verdict}  {rows[-1][2]:.0f} s  {remark}", flush=True)
        if remark.startswith("the guest was lost"):
            break
    print(f"\n{'test':<16}{'result':<8}{'seconds':>8}  remark")
    for name, verdict, seconds, remark in rows:
        print(f"{name:<16}{verdict:<8}{seconds:>8.0f}  {remark}")
    print(f"{len(rows) - failures} of {len(names)} passed")
    return len(names) - len(rows) + failures


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("trestle", type=pathlib.Path)
    parser.add_argument("router", type=pathlib.Path)
    parser.add_argument("stress", type=pathlib.Path)
    parser.add_argument("-t", type=int, default=60, metavar="SECONDS",
                        help="for each stressor (60)")
    parser.add_argument("--only", default=",".join(ALL), metavar="NAMES",
                        help="of these, with commas: " + " ".join(ALL))
    parser.add_argument("--accel", help="CPU engine")
    parser.add_argument("--log", type=argparse.FileType("w"),
                        help="file for the guest's console")
    args = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        disks = make_disks(folder, args.router, args.stress)
        guest = Guest(args.trestle.resolve(), disks, args.accel, args.log)
        try:
            start = time.monotonic()
            try:
                guest.boot()
            except (pexpect.TIMEOUT, pexpect.EOF):
                sys.exit("stress: no prompt:\n"
                         + last_words(guest.session.before))
            print(f"stress: prompt after {time.monotonic() - start:.0f} s")
            failures = run_tests(Tests(guest, folder, args.t),
                                 args.only.split(","))
            if not failures:
                guest.power_off()
        finally:
            guest.close()
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
