"""drive_backup of a disk that the guest goes on writing."""
import re
import struct

SECTOR = 512
SECTORS = 1 << 19                       # 256 MiB, most of it a hole
ROUND, PLACES = 64, 4                   # as in tests/guests/disk_rounds.c
ROUND_BYTES = ROUND * SECTOR
TAIL = PLACES * ROUND_BYTES


def rounds_written(t):
    """Whole ones, by the bytes that the guest has written."""
    stats = re.search(r"hda: rd_bytes=\d+ wr_bytes=(\d+) ",
                      t.monitor("info blockstats"))
    return int(stats[1]) // ROUND_BYTES


def round_at(place):
    """Which of its rounds is there, or None if it is half written."""
    numbers = {struct.unpack_from("<II", place, i * SECTOR)
               for i in range(ROUND)}
    rounds = {n for n, _ in numbers}
    assert {i for _, i in numbers} == set(range(ROUND))
    assert max(rounds) - min(rounds) in (0, PLACES)
    return rounds.pop() if len(rounds) == 1 else None


def test_backup_while_the_guest_writes(trestle, guest, tmp_path):
    image, copy = guest("disk_rounds"), tmp_path / "copy.img"
    with open(image, "r+b") as f:
        f.seek(3000 * SECTOR)
        f.write(bytes(range(256)) * 2000)
        f.truncate(SECTORS * SECTOR)
    t = trestle("-m", 16, "-drive", f"file={image},format=raw")
    for _ in range(2 * PLACES):
        t.expect(r"disk_rounds flushed \w{8}\r\n")
    t.to_monitor()
    before = rounds_written(t)
    t.send(f"drive_backup hda {copy}\r")
    t.expect(r"drive_backup hda: done, 268 MB in ")
    t.expect(r"\(trestle\) ")
    after = rounds_written(t)
    assert "is in use" in t.monitor(f"drive_backup -n hda {image}")
    assert "is there: -n overwrites it" in t.monitor(
        f"drive_backup hda {copy}")

    assert copy.stat().st_size == SECTORS * SECTOR
    assert copy.stat().st_blocks * SECTOR < 4 << 20
    with open(image, "rb") as now, open(copy, "rb") as then:
        assert then.read(4 << 20) == now.read(4 << 20)
        then.seek(SECTORS * SECTOR - TAIL)
        tail = then.read()
    rounds = [round_at(tail[i:i + ROUND_BYTES])
              for i in range(0, TAIL, ROUND_BYTES)]
    # Of one moment: at most one was half written, the others follow each other.
    whole = sorted(r for r in rounds if r is not None)
    assert len(whole) >= PLACES - 1
    assert whole[-1] - whole[0] == len(whole) - 1
    assert all(r is None or r % PLACES == i for i, r in enumerate(rounds))
    # It was read last, and is still that of the beginning, not of the end.
    assert before - 1 <= whole[-1] < (before + after) / 2
