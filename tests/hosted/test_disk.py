"""A disk on a file, with a guest that copies sectors and writes the last."""
import json
import re
import subprocess
import time

import pytest

SECTOR = 512
HEADS, SECTORS, CYLINDERS = 16, 63, 42
FULL = CYLINDERS * HEADS * SECTORS      # as on the seed page: a560h


def add_partition(image):
    """One partition up to the last cylinder, behind the guest's code."""
    start = SECTORS
    count = FULL - start
    entry = bytes([0x80, 1, 1, 0, 0x83, HEADS - 1, SECTORS, CYLINDERS - 1])
    entry += start.to_bytes(4, "little") + count.to_bytes(4, "little")
    data = bytearray(image.read_bytes())
    assert not any(data[446:510])       # the boot code ends before the table
    data[446:462] = entry
    image.write_bytes(data)


@pytest.fixture
def table_image(guest, tmp_path):
    guest("disk_table")
    path = tmp_path / "disk_table.img"
    add_partition(path)
    return path


@pytest.fixture
def image(guest, tmp_path):
    guest("disk_copy")
    path = tmp_path / "disk_copy.img"
    add_partition(path)
    data = bytearray(path.read_bytes().ljust(128 * SECTOR, b"\0"))
    for i in range(64, 128):
        data[i * SECTOR:(i + 1) * SECTOR] = bytes([i, 255 - i]) * 256
    path.write_bytes(data)
    return path


def run(trestle, image, *args):
    t = trestle("-m", 16, "-hda", image, *args)
    t.expect(f"{FULL} sectors, grown to what its partition table says")
    t.expect(f"disk_copy CHS {CYLINDERS:08x} {HEADS:08x} {SECTORS:08x}\r\n")
    t.expect("disk_copy ok sectors ([0-9a-f]{8})\r\n")
    assert int(t.session.match[1], 16) == FULL == 0xa560
    assert t.ends() == 0


def test_truncated_image_is_whole_and_writable(trestle, image):
    before = image.read_bytes()
    run(trestle, image)
    after = image.read_bytes()
    assert len(after) == FULL * SECTOR
    assert after[:128 * SECTOR] == before
    assert after[128 * SECTOR:192 * SECTOR] == before[64 * SECTOR:]
    assert not any(after[192 * SECTOR:-SECTOR])
    assert after[-SECTOR:] == b"\xa5" * SECTOR


def test_snapshot_leaves_the_file_alone(trestle, image):
    before = image.read_bytes()
    run(trestle, image, "-snapshot")
    assert image.read_bytes() == before


def test_new_partition_table_is_followed_at_reset(trestle, table_image):
    """As after a sysupgrade that writes the whole disk."""
    t = trestle("-m", 16, table_image)
    t.expect(f"disk_table written, had {FULL:08x}\r\n")
    t.expect(f"disk_table ok, has {2 * FULL:08x}\r\n")
    assert t.ends() == 0
    after = table_image.read_bytes()
    assert len(after) == 2 * FULL * SECTOR
    assert after[-SECTOR:] == b"\xa5" * SECTOR


def test_as_a_bare_name(trestle, image):
    t = trestle(image)
    t.expect("disk_copy ok")
    assert t.ends() == 0


def test_drive(trestle, image):
    """The first free place is hda's."""
    run_drive = ("-m", 16, "-drive", f"file={image},if=ide,media=disk")
    before = image.read_bytes()
    t = trestle("-m", 16, "-drive", f"file={image},format=raw,snapshot=on")
    t.expect("hda: type=hd removable=0 file=")
    t.expect("-snapshot: writes are dropped at the end")
    t.expect("disk_copy ok")
    assert t.ends() == 0
    assert image.read_bytes() == before
    t = trestle(*run_drive)
    t.expect("disk_copy ok")
    assert t.ends() == 0
    assert len(image.read_bytes()) == FULL * SECTOR


def test_read_only_drive_is_shared_and_stays(trestle, image):
    before = image.read_bytes()
    drive = f"file={image},index=0,readonly=on"
    first = trestle("-m", 16, "-drive", drive, "-S")
    first.expect("ro=1 drv=raw")
    second = trestle("-m", 16, "-drive", drive)
    second.expect("disk_copy failed")
    assert second.ends() == 0
    assert image.read_bytes() == before


def test_snapshot_off_beside_snapshot(trestle, image, tmp_path):
    other = tmp_path / "other.img"
    other.write_bytes(image.read_bytes())
    t = trestle("-snapshot", "-m", 16, "-drive", f"file={image},snapshot=off",
                "-drive", f"file={other}")
    t.expect("disk_copy ok")
    assert t.ends() == 0
    assert len(image.read_bytes()) == FULL * SECTOR
    t = trestle("-snapshot", "-m", 16, "-drive", f"file={other}")
    t.expect("disk_copy ok")
    assert t.ends() == 0
    assert len(other.read_bytes()) < FULL * SECTOR


def test_geometry_by_hdachs(trestle, image):
    """Words 1, 3 and 6 of IDENTIFY DEVICE."""
    t = trestle("-m", 16, "-hda", image, "-hdachs", "40,8,32,lba")
    t.expect(f"disk_copy CHS {40:08x} {8:08x} {32:08x}\r\n")
    t.expect("disk_copy ok")
    assert t.ends() == 0


def test_info(trestle, image):
    """qemu's shapes; a drive without a CD is there, too."""
    t = trestle("-m", 16, "-hda", image, "-drive", "media=cdrom,index=2", "-S")
    t.to_monitor()
    block = t.monitor("info block")
    assert f"hda: type=hd removable=0 file={image} ro=0 drv=raw\n" in block
    assert "file: 128 sectors; MBR, asks for 42336, 16 heads" in block
    assert "hdc: type=cdrom removable=1 [not inserted]\n" in block
    stats = re.search(r"hda: rd_bytes=(\d+) wr_bytes=0 rd_operations=(\d+) "
                      r"wr_operations=0\n    flush_operations=0 errors=0 "
                      r"throttled=0\n",
                      t.monitor("info blockstats"))
    assert int(stats[1]) == int(stats[2]) * SECTOR > 0      # its table's sector


def test_image_in_use_is_refused(trestle, image, guest):
    """Two writers would destroy it."""
    t = trestle("-m", 16, "-hda", image, "-S")
    t.expect(f"{FULL} sectors")
    second = trestle("-m", 16, "-hda", image, "-S")
    second.expect("-hda: .*disk_copy.img.*busy")
    assert second.ends() == 1


# disk_copy makes some 260 requests of a sector each.
@pytest.mark.parametrize("limit, words", [
    ("iops=100", "bps=0 bps_rd=0 bps_wr=0 iops=100 iops_rd=0 iops_wr=0"),
    ("bps=51200", "bps=51200 bps_rd=0 bps_wr=0 iops=0 iops_rd=0 iops_wr=0"),
    ("throttling.iops-write=25,bps_rd=1000000000",
     "bps=0 bps_rd=1000000000 bps_wr=0 iops=0 iops_rd=0 iops_wr=25")])
def test_slow_disk(trestle, image, limit, words):
    t = trestle("-m", 16, "-drive", f"file={image},{limit}", "-S")
    t.to_monitor()
    assert f"    I/O throttling:   {words}\n" in t.monitor("info block")
    t.send("cont\r")
    t.expect("disk_copy CHS")
    start = time.monotonic()
    t.expect("disk_copy ok")
    assert 2 < time.monotonic() - start < 10
    assert t.ends() == 0


def test_speed_changes_at_run_time(trestle, image):
    """From one request in five seconds to as many as there are."""
    t = trestle("-m", 16, "-hda", image, "-S")
    t.to_monitor()
    assert t.monitor("block_set_io_throttle hda 1 0 0 0 0 0") == ""
    t.monitor("cont")
    end = time.time() + 30
    while "throttled=0" in t.monitor("info blockstats"):
        assert time.time() < end
    assert t.silent("disk_copy ok", 2)
    t.send("block_set_io_throttle hda 0 0 0 0 0 0\r")
    start = time.monotonic()
    t.expect("disk_copy ok")
    assert time.monotonic() - start < 10
    assert t.ends() == 0


def test_no_speed_under_icount(trestle, image):
    t = trestle("-m", 16, "-hda", image, "-icount", "3", "-S")
    t.to_monitor()
    assert "with -icount a disk's requests take no time" in \
        t.monitor("block_set_io_throttle hda 1 0 0 0 0 0")


def test_block_resize(trestle, guest, tmp_path):
    """A guest sees it at its next reset, and another start finds it."""
    path = tmp_path / "uart_echo.img"
    guest("uart_echo")
    qcow2 = tmp_path / "b.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", qcow2, "1M"],
                   check=True)
    t = trestle("-m", 16, "-hda", path, "-hdb", qcow2)
    t.expect("ready")
    t.to_monitor()
    for line in ("block_resize hda 2", "block_resize hdb 3M"):
        assert "the guest sees it from its next reset on" in t.monitor(line)
    text = t.monitor("info block")
    assert "    128 sectors, more from the guest's next reset on" in text
    assert "    2048 sectors, more from the guest's next reset on" in text
    t.send("system_reset\r")
    t.expect("ready")
    text = t.monitor("info block")
    assert "    4096 sectors, grown by block_resize\n" in text
    assert "    6144 sectors, grown by block_resize\n" in text
    assert "it would become smaller" in t.monitor("block_resize hda 1M")
    t.send("quit\r")
    assert t.ends() == 0
    assert path.stat().st_size == 2 << 20
    info = subprocess.run(["qemu-img", "info", "--output=json", qcow2],
                          check=True, capture_output=True).stdout
    assert json.loads(info)["virtual-size"] == 3 << 20
    subprocess.run(["qemu-img", "check", "-q", qcow2], check=True)
