#!/usr/bin/python3
"""A Trestle medium for a USB stick or a disk: one file that BIOS and UEFI boot.

usage: make-stick.py --image FILE --out FILE [--conf FILE] --elf FILE
                     --trestle FILE

The layout is that of kernel/disk/medium.h: a GPT with a BIOS boot partition, a
FAT32 for UEFI with GRUB, trestle.elf and trestle.conf, the partition of the
slots' table, and slot a with the image, at the size that its partition table
asks for. Needs no rights: all is done in files.
"""
import argparse
import os
import pathlib
import re
import secrets
import shutil
import struct
import subprocess
import sys
import tempfile

SECTOR = 512
ALIGN = 2048                            # sectors
BIOS_BOOT = (2048, 2048)                # first sector, sectors
ESP = (4096, 262144)
STATE = (266240, 2048)
SLOT_START = 268288
GPT_END = 33                            # of the backup, at the end

TYPE_BIOS_BOOT = "21686148-6449-6E6F-744E-656564454649"
TYPE_ESP = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"
TYPE_STATE = "CAC024B5-C223-477F-AE48-BFADC01D1885"
TYPE_SLOT = "21C76FD9-3151-4B6B-94B3-879C854D5F7D"

ROOT = pathlib.Path(__file__).parent.parent
MENU = ("boot/grub-start.cfg", "boot/grub-stick.cfg")
GRUB = pathlib.Path("/usr/lib/grub")
MODULES = ("multiboot2 normal part_gpt part_msdos fat all_video gfxterm serial "
           "terminal gzio search echo test boot font configfile probe "
           "regexp").split()
PREFIX = "(,gpt2)/boot/grub"
# Where GRUB 2's boot.img and diskboot.img have what grub-install fills in
# (include/grub/i386/pc/boot.h and kernel.h of GRUB 2.06).
BOOT_CODE = 440
KERNEL_SECTOR = 0x5c
DRIVE_CHECK = 0x66
FIRST_BLOCKLIST = 0x1f4
NOPS = b"\x90\x90"

CONF = """\
# Trestle: a [name] section for each machine, an option a line (docs/MANUAL.md).
# In the monitor, 'config import' and 'config save' change this file.
[router]
m 64
hda slot
net nic
net bridge
"""
IN_MEMORY = "-m 64 -hda router.img -net nic -net bridge"


def fail(text):
    sys.exit(f"make stick: {text}")


def run(*args, **kwargs):
    """A tool; what it says is shown only if it fails."""
    env = dict(os.environ, PATH=f"{os.environ['PATH']}:/usr/sbin:/sbin",
               MTOOLS_SKIP_CHECK="1")
    done = subprocess.run([str(a) for a in args], env=env, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False, **kwargs)
    if done.returncode:
        fail(f"{args[0]}:\n{done.stdout}")
    return done.stdout


def check_image(image, trestle):
    """How many bytes a router finds its disk to have."""
    if not image:
        fail("which image? IMAGE=router.img names it")
    try:
        with open(image, "rb") as f:
            f.read(SECTOR)
    except OSError as error:
        fail(f"IMAGE={image}: {error.strerror}")
    told = run(trestle, "image", "info", image)
    if re.search("^partition table: none", told, re.M):
        fail(f"IMAGE={image}: it has no partition table, so a PC cannot boot "
             "it: is it a disk's\nimage, and not compressed?")
    asked = re.search(r"^expected size: \d+ sectors, (\d+) bytes", told, re.M)
    size = os.path.getsize(image)
    return max(size, int(asked[1]) if asked else 0)


def copy_into(out, source, first):
    """The whole of a file to sector `first`; what is zeros stays a hole."""
    with open(source, "rb") as f:
        at = first * SECTOR
        while block := f.read(1 << 16):
            if block.strip(b"\0"):
                out.seek(at)
                out.write(block)
            at += len(block)


def mkimage(target, out, *modules):
    run("grub-mkimage", "-O", target, "-p", PREFIX, "-o", out, *MODULES,
        *modules)


def put_bios_boot(out, work):
    """boot.img into the MBR, core.img behind it, each told where the next is."""
    core_file = work / "core.img"
    mkimage("i386-pc", core_file, "biosdisk")
    core = bytearray(core_file.read_bytes())
    if len(core) > BIOS_BOOT[1] * SECTOR:
        fail(f"GRUB's core.img is too large: {len(core)} bytes")
    struct.pack_into("<Q", core, FIRST_BLOCKLIST, BIOS_BOOT[0] + 1)
    boot = bytearray((GRUB / "i386-pc/boot.img").read_bytes()[:BOOT_CODE])
    struct.pack_into("<Q", boot, KERNEL_SECTOR, BIOS_BOOT[0])
    boot[DRIVE_CHECK:DRIVE_CHECK + 2] = NOPS
    out.seek(0)
    out.write(boot)
    out.seek(BIOS_BOOT[0] * SECTOR)
    out.write(core)


def conf_files(conf):
    """(name on the medium, path) of what a trestle.conf names."""
    if not conf:
        return []
    tool = pathlib.Path(__file__).with_name("conf-images.py")
    done = subprocess.run([tool, conf], capture_output=True, text=True,
                          check=False)
    if done.returncode:
        fail(f"CONF={done.stderr.strip()}")
    return [pair.split("=", 1) for pair in done.stdout.split()]


def menu(slot_sectors, files):
    text = "".join((ROOT / name).read_text() for name in MENU)
    modules = "\n    ".join(f"module2 /{name} {name}" for name, _ in files)
    return (text.replace("@MODULES@", modules).replace("@IN_MEMORY@", IN_MEMORY)
            .replace("@SLOT_SECTORS@", str(slot_sectors)))


def make_esp(work, args, slot_sectors):
    """The FAT32 with all files; its own file."""
    files = conf_files(args.conf)
    root = work / "esp"
    (root / "EFI/BOOT").mkdir(parents=True)
    (root / "boot/grub").mkdir(parents=True)
    mkimage("x86_64-efi", root / "EFI/BOOT/BOOTX64.EFI")
    run("strip", "-o", root / "boot/trestle.elf", args.elf)
    (root / "boot/grub/grub.cfg").write_text(
        menu(slot_sectors, files))
    if args.conf:
        shutil.copyfile(args.conf, root / "trestle.conf")
    else:
        (root / "trestle.conf").write_text(CONF)
    for name, path in files:
        shutil.copyfile(path, root / name)
    esp = work / "esp.img"
    with open(esp, "wb") as f:
        f.truncate(ESP[1] * SECTOR)
    run("mkfs.fat", "-F", "32", "-n", "TRESTLE", "-h", ESP[0],
        "-i", f"{secrets.randbelow(2**32 - 1) + 1:08x}", esp)
    run("mcopy", "-i", esp, "-s", *sorted(root.iterdir()), "::")
    return esp


def partition(out, slot_sectors):
    """The GPT, by sfdisk, over what is there."""
    parts = [(*BIOS_BOOT, TYPE_BIOS_BOOT, "trestle-bios"),
             (*ESP, TYPE_ESP, "TRESTLE"), (*STATE, TYPE_STATE, "trestle-state"),
             (SLOT_START, slot_sectors, TYPE_SLOT, "trestle-a")]
    table = "label: gpt\n" + "".join(
        f"start={start}, size={size}, type={kind}, name={name}\n"
        for start, size, kind, name in parts)
    run("sfdisk", "--quiet", "--wipe", "never", out, input=table)


def main():
    parser = argparse.ArgumentParser()
    for name in "image", "out", "conf", "elf", "trestle":
        parser.add_argument(f"--{name}", default="")
    args = parser.parse_args()
    size = check_image(args.image, args.trestle)
    if os.path.exists(args.out) and not os.path.isfile(args.out):
        fail(f"STICK={args.out} is no file: make one, and write it with dd")
    slot_sectors = -(-size // (ALIGN * SECTOR)) * ALIGN
    end = SLOT_START + slot_sectors + GPT_END
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        made = work / "stick.img"
        with open(made, "wb") as out:
            out.truncate(-(-end // ALIGN) * ALIGN * SECTOR)
        partition(made, slot_sectors)
        with open(made, "r+b") as out:
            put_bios_boot(out, work)
            copy_into(out, make_esp(work, args, slot_sectors), ESP[0])
            copy_into(out, args.image, SLOT_START)
        run("cp", "--sparse=always", made, args.out)
    print(f"  {args.out}: {os.path.getsize(args.out) / 1e6:.0f} MB, "
          f"slot a: {os.path.basename(args.image)}, {size} bytes")


main()
