"""A Trestle medium (kernel/disk/medium.h) with images in its slots, by hand."""
import uuid
import zlib

SECTOR = 512
MIB = 1 << 20
ENTRIES = 128
FIRST = 2048
TYPES = {
    "TRESTLE": ("c12a7328-f81f-11d2-ba4b-00a0c93ec93b", 262144),
    "trestle-state": ("cac024b5-c223-477f-ae48-bfadc01d1885", 2048),
    **{f"trestle-{slot}": ("21c76fd9-3151-4b6b-94b3-879c854d5f7d", None)
       for slot in "abc"},
}


def entry(name, number, start, count):
    kind = TYPES[name][0]
    return (uuid.UUID(kind).bytes_le + uuid.UUID(int=number + 1).bytes_le +
            start.to_bytes(8, "little") +
            (start + count - 1).to_bytes(8, "little") + bytes(8) +
            name.encode("utf-16-le").ljust(72, b"\0"))


def header(lba, other, entries_at, last, entries):
    data = bytearray(b"EFI PART" + bytes([0, 0, 1, 0, 92, 0, 0, 0]) + bytes(8))
    for value in (lba, other, FIRST, last):
        data += value.to_bytes(8, "little")
    data += uuid.UUID(int=99).bytes_le + entries_at.to_bytes(8, "little")
    for value in (ENTRIES, 128, zlib.crc32(entries)):
        data += value.to_bytes(4, "little")
    data[16:20] = zlib.crc32(data).to_bytes(4, "little")
    return bytes(data).ljust(SECTOR, b"\0")


def make_medium(path, slot_sectors, image, slots="abc"):
    """`image` in slot a; no loader, and an empty partition TRESTLE."""
    entries, at, places = b"", FIRST, {}
    for number, (name, (_, size)) in enumerate(TYPES.items()):
        if name[:-1] == "trestle-" and name[-1] not in slots:
            continue
        size = size or slot_sectors
        entries += entry(name, number, at, size)
        places[name] = at
        at += -(-size // 2048) * 2048
    entries = entries.ljust(ENTRIES * 128, b"\0")
    end = at + 33
    mbr = (bytes(446) + bytes([0, 0, 2, 0, 0xee, 255, 255, 255, 1, 0, 0, 0]) +
           (end - 1).to_bytes(4, "little") + bytes(48) + b"\x55\xaa")
    with open(path, "wb") as f:
        f.write(mbr + header(1, end - 1, 2, at - 1, entries) + entries)
        f.seek(places["trestle-a"] * SECTOR)
        f.write(image)
        f.seek((end - 33) * SECTOR)
        f.write(entries + header(end - 1, 1, end - 33, at - 1, entries))
    return places


def with_table(image, sectors):
    """A tiny guest's image, which has room for a table, with a partition."""
    data = bytearray(image)
    assert not any(data[446:510])
    data[446:462] = (bytes([0x80, 0, 2, 0, 0x83, 0, 0, 0]) +
                     (63).to_bytes(4, "little") +
                     (sectors - 63).to_bytes(4, "little"))
    data[510:512] = b"\x55\xaa"
    return bytes(data)


# A boot sector that resets the PC by the keyboard controller at once.
RESETS = with_table(bytes.fromhex("b0fee664f4ebfd").ljust(SECTOR, b"\0"), 64)
# One that hangs at once: CLI, HLT.
HANGS = with_table(bytes.fromhex("faf4ebfc").ljust(SECTOR, b"\0"), 64)
