"""What is left of a disk with a write cache after a cut of power."""
from nbd.cached_disk import SECTOR, CachedDisk

SEEDS = range(200)


def sector(byte):
    return bytes([byte]) * SECTOR


def test_what_was_written_is_read():
    disk = CachedDisk(bytes(8 * SECTOR))
    disk.write(SECTOR, sector(1) + sector(2))
    disk.write(2 * SECTOR, sector(3))
    assert disk.read(0, 4 * SECTOR) == (
        sector(0) + sector(1) + sector(3) + sector(0))


def test_what_was_flushed_stays():
    for seed in SEEDS:
        disk = CachedDisk(bytes(8 * SECTOR), seed)
        disk.write(0, sector(1) * 8)
        disk.flush()
        assert disk.cut() == (0, 0, 0)
        assert disk.data == sector(1) * 8


def outcomes(act, size=1):
    """All that is left after `act(disk)` and a cut, for many seeds."""
    left = set()
    for seed in SEEDS:
        disk = CachedDisk(bytes(size * SECTOR), seed)
        act(disk)
        disk.cut()
        left.add(bytes(disk.data[at * SECTOR] for at in range(size)))
        assert all(disk.sector(at) == sector(disk.data[at * SECTOR])
                   for at in range(size))       # sectors are whole
    return left


def test_unflushed_is_kept_lost_or_torn():
    assert outcomes(lambda d: d.write(0, sector(1) * 2), 2) == {
        b"\0\0", b"\0\1", b"\1\0", b"\1\1"}


def test_writes_are_reordered():
    """The second without the first, and any version of a sector."""
    def two(disk):
        disk.write(0, sector(1))
        disk.write(SECTOR, sector(1))

    def three(disk):
        for byte in 1, 2, 3:
            disk.write(0, sector(byte))

    assert b"\0\1" in outcomes(two, 2)
    assert outcomes(three) == {b"\0", b"\1", b"\2", b"\3"}


def test_unflushed_over_flushed():
    def act(disk):
        disk.write(0, sector(1))
        disk.flush()
        disk.write(0, sector(2))

    assert outcomes(act) == {b"\1", b"\2"}


def test_forced_write_stays():
    """Also where an older one waits, and with a newer one."""
    def older(disk):
        disk.write(0, sector(1) * 2)
        disk.write(0, sector(2), forced=True)

    def newer(disk):
        older(disk)
        disk.write(0, sector(3))

    assert outcomes(older, 2) == {b"\2\0", b"\2\1"}
    assert outcomes(newer, 2) == {b"\2\0", b"\2\1", b"\3\0", b"\3\1"}


def test_equal_seeds_leave_equal_disks():
    def run(seed):
        disk = CachedDisk(bytes(64 * SECTOR), seed)
        for at in range(0, 64, 4):
            disk.write(at * SECTOR, sector(at + 1) * 4)
        counts = disk.cut()
        assert sum(counts) == 16
        return bytes(disk.data), counts

    assert run(7) == run(7)
    assert len({run(seed)[0] for seed in SEEDS}) > 100


def test_life_goes_on_after_a_cut():
    disk = CachedDisk(bytes(SECTOR), 1)
    disk.write(0, sector(1))
    disk.cut()
    disk.write(0, sector(2))
    disk.flush()
    disk.cut()
    assert disk.data == sector(2)
