#!/usr/bin/env python3
"""Put GRUB, a boot filesystem and a root filesystem together as a disk image.

usage: mkdisk.py --boot-cylinders N --root-cylinders N --stage1 F --stage1-5 F --boot F --root F --out F

The disk has 16 heads and 63 sectors per track. Partition 1 begins after the first track, which is where GRUB's
stage 1.5 lies; both partitions end on cylinder boundaries. The image ends with the last byte of ROOT that
was given, so the file is shorter than its partition table says, as router images are.
"""
import argparse
import struct
import sys

SECTOR = 512
HEADS = 16
SECTORS_PER_TRACK = 63
CYLINDER = HEADS * SECTORS_PER_TRACK        # sectors

# GRUB 0.97 stage1/stage1.h: where the installer patches the boot sector.
STAGE1_BPB_END = 0x3E
STAGE1_VERSION = 0x3E
STAGE1_BOOT_DRIVE = 0x40
STAGE1_STAGE2_ADDRESS = 0x42
STAGE1_STAGE2_SECTOR = 0x44
STAGE1_STAGE2_SEGMENT = 0x48
STAGE1_DRIVE_CHECK = 0x4B
MBR_SIGNATURE_AND_TABLE = 0x1B8
# GRUB 0.97 stage2/start.S and stage2/asm.S.
STAGE2_FIRST_BLOCKLIST = SECTOR - 8
STAGE2_VERSION = SECTOR + 0x06
STAGE2_INSTALL_PARTITION = SECTOR + 0x08
STAGE2_ID = SECTOR + 0x10
ID_E2FS_STAGE1_5 = 2
STAGE2_NAME = b"/boot/grub/stage2"
FIRST_PARTITION = 0x00FFFF
STAGE1_5_SEGMENT = 0x200                    # stage 1.5 runs at 0x2000


def read(path):
    with open(path, "rb") as f:
        return f.read()


def chs(lba):
    """An MBR's three CHS bytes. All our cylinders are below 1024."""
    cylinder, rest = divmod(lba, CYLINDER)
    head, sector = divmod(rest, SECTORS_PER_TRACK)
    sector += 1
    return bytes([head, sector | (cylinder >> 2) & 0xC0, cylinder & 0xFF])


def partition(active, start, sectors):
    return (bytes([0x80 if active else 0]) + chs(start) + bytes([0x83]) + chs(start + sectors - 1)
            + struct.pack("<II", start, sectors))


def boot_sector(stage1, table):
    mbr = bytearray(stage1)
    if len(mbr) != SECTOR or mbr[510:] != b"\x55\xaa":
        sys.exit("mkdisk.py: stage1 is not a boot sector")
    if mbr[STAGE1_VERSION:STAGE1_VERSION + 2] != b"\x03\x02":
        sys.exit("mkdisk.py: stage1 is not of GRUB 0.97 (compatibility version 3.2)")
    mbr[STAGE1_BOOT_DRIVE] = 0xFF            # boot from the drive the BIOS names in DL
    struct.pack_into("<H", mbr, STAGE1_STAGE2_ADDRESS, STAGE1_5_SEGMENT << 4)
    struct.pack_into("<I", mbr, STAGE1_STAGE2_SECTOR, 1)
    struct.pack_into("<H", mbr, STAGE1_STAGE2_SEGMENT, STAGE1_5_SEGMENT)
    # On a hard disk GRUB's installer turns this jump into two NOPs, so that a BIOS that leaves DL wrong still boots.
    mbr[STAGE1_DRIVE_CHECK:STAGE1_DRIVE_CHECK + 2] = b"\x90\x90"
    mbr[MBR_SIGNATURE_AND_TABLE:510] = b"TRST\0\0" + table
    return bytes(mbr)


def embedded_stage1_5(stage1_5):
    code = bytearray(stage1_5)
    if code[STAGE2_VERSION:STAGE2_VERSION + 2] != b"\x03\x02" or code[STAGE2_ID] != ID_E2FS_STAGE1_5:
        sys.exit("mkdisk.py: this is not the e2fs_stage1_5 of GRUB 0.97")
    sectors = -(-len(code) // SECTOR)
    if sectors > SECTORS_PER_TRACK - 1:
        sys.exit("mkdisk.py: stage 1.5 does not fit into the first track")
    # Its first sector loads the others: {first sector, count, segment}. It lies in sectors 1 to `sectors`.
    struct.pack_into("<IHH", code, STAGE2_FIRST_BLOCKLIST, 2, sectors - 1, STAGE1_5_SEGMENT + SECTOR // 16)
    # The partition number is in bits 16-23; the low bits say that there is no BSD partition in it. The device number
    # before the name of stage 2 has the drive in bits 24-31, 0xFF being the one that was booted from.
    struct.pack_into("<I", code, STAGE2_INSTALL_PARTITION, FIRST_PARTITION)
    name = code.find(STAGE2_NAME, STAGE2_ID)
    if name < 0:
        sys.exit("mkdisk.py: this e2fs_stage1_5 does not look for " + STAGE2_NAME.decode())
    struct.pack_into("<I", code, name - 4, 0xFF000000 | FIRST_PARTITION)
    return bytes(code).ljust(sectors * SECTOR, b"\0")


def main():
    ap = argparse.ArgumentParser(usage=__doc__)
    for name in ("boot-cylinders", "root-cylinders"):
        ap.add_argument("--" + name, type=int, required=True)
    for name in ("stage1", "stage1-5", "boot", "root", "out"):
        ap.add_argument("--" + name, required=True)
    args = ap.parse_args()

    boot_start = SECTORS_PER_TRACK
    boot_sectors = args.boot_cylinders * CYLINDER - boot_start
    root_start = args.boot_cylinders * CYLINDER
    root_sectors = args.root_cylinders * CYLINDER
    boot, root = read(args.boot), read(args.root)
    if len(boot) > boot_sectors * SECTOR:
        sys.exit("mkdisk.py: the boot filesystem is larger than its partition")
    if len(root) > root_sectors * SECTOR:
        sys.exit("mkdisk.py: the root filesystem is larger than its partition")

    table = partition(True, boot_start, boot_sectors) + partition(False, root_start, root_sectors) + bytes(32)
    track = boot_sector(read(args.stage1), table) + embedded_stage1_5(read(args.stage1_5))
    with open(args.out, "wb") as out:
        out.write(track)
        out.seek(boot_start * SECTOR)
        out.write(boot)
        out.seek(root_start * SECTOR)
        out.write(root)
    full = (root_start + root_sectors) * SECTOR
    print(f"disk: {args.boot_cylinders + args.root_cylinders} cylinders = {full} bytes when grown, "
          f"file of {root_start * SECTOR + len(root)} bytes")


main()
