"""The PC's own disks: which are found, what is told of them, guests on them."""
import random
import re

import pexpect
import pytest

from console import ask_monitor, show, switch_off
from cuts import Rounds
from guests import EACH_OF_SEVERAL, NO_GUEST, image
from nbd.cached_disk import CachedDisk
from nics import qemu_monitor

GB = 1000 ** 3
SECTOR = 512
ON_A_DISK = "-m 8 -net none -nographic -hda disk:0"


def disk(folder, name, size, device):
    """QEMU's options for a disk of `size` bytes, all holes."""
    path = folder / f"{name}.raw"
    with open(path, "wb") as f:
        f.truncate(size)
    return ("-drive", f"id={name},if=none,format=raw,file={path}",
            "-device", f"{device},drive={name}")


def test_ahci_disks_are_listed(boot, tmp_path):
    """In the order of their ports, with sizes; nothing was written to them."""
    appliance = boot(NO_GUEST, extra=(
        *disk(tmp_path, "big", 30 * GB, "ide-hd,bus=ide.4,serial=SN-30"),
        *disk(tmp_path, "small", 1000 * 512, "ide-hd,bus=ide.1")))
    appliance.expect(r"disk0: ahci port 1 at 00:1f\.2: QEMU HARDDISK, 512 KB")
    appliance.expect(r"disk1: ahci port 4 at 00:1f\.2: QEMU HARDDISK, 30 GB")
    appliance.expect(r"engine \w+")
    text = ask_monitor(appliance, "info disks")
    assert "512 KB: 1000 sectors, blocks of 512 bytes" in text
    assert "model 'QEMU HARDDISK', serial 'SN-30'" in text
    assert f"30 GB: {30 * GB // 512} sectors" in text
    assert text.count("writes=0 sectors=0 errors=0") == 2
    switch_off(appliance)
    for name in "big", "small":
        assert (tmp_path / f"{name}.raw").stat().st_blocks == 0


def test_ide_disks_are_listed(boot, tmp_path):
    """Both channels of a PIIX3 at the old ports; the CD of the boot medium is
    no disk."""
    appliance = boot(NO_GUEST, machine="pc", extra=(
        *disk(tmp_path, "big", 200 * GB, "ide-hd,bus=ide.0,unit=1,serial=S2"),
        *disk(tmp_path, "small", 64 * 512, "ide-hd,bus=ide.0,unit=0"),
        "-boot", "d"))
    appliance.expect(r"disk0: ata channel 0 device 0 at 00:01\.1: "
                     "QEMU HARDDISK, 32 KB")
    appliance.expect(r"disk1: ata channel 0 device 1 at 00:01\.1: "
                     "QEMU HARDDISK, 200 GB")
    appliance.expect(r"engine \w+")
    text = ask_monitor(appliance, "info disks")
    assert "model 'QEMU HARDDISK', serial 'S2'" in text
    assert f"200 GB: {200 * GB // 512} sectors" in text
    assert "disk2" not in text
    switch_off(appliance)


def test_drivers_at_work(boot, tmp_path):
    """Reads, writes and flushes, from a block to the largest request, also
    beyond 28 bits of address; without the serial number nothing is written."""
    serial = "serial=SELFTEST"
    appliance = boot("-selftest disks", extra=(
        *disk(tmp_path, "a", 200 * GB, f"ide-hd,bus=ide.0,{serial}"),
        *disk(tmp_path, "b", 5000 * 512, "ide-hd,bus=ide.1,serial=PRECIOUS"),
        "-device", "piix3-ide,id=old",
        *disk(tmp_path, "c", 200 * GB, f"ide-hd,bus=old.0,{serial}"),
        *disk(tmp_path, "d", 40000 * 512, f"ide-hd,bus=old.1,{serial}"),
        *disk(tmp_path, "e", 200 * GB, f"nvme,addr=10,{serial}"),
        "-device", f"nvme,id=two,addr=11,{serial}",
        *disk(tmp_path, "f", 50000 * 4096, "nvme-ns,bus=two,"
              "logical_block_size=4096,physical_block_size=4096"),
        *disk(tmp_path, "g", 200 * GB, "virtio-blk-pci,addr=12,"
              f"disable-legacy=on,{serial}"),
        *disk(tmp_path, "h", 50000 * 4096, "virtio-blk-pci,addr=13,"
              "disable-modern=on,logical_block_size=4096,"
              f"physical_block_size=4096,{serial}")))
    for number, written in enumerate([16384] * 7 + [0]):
        what = appliance.expect(
            rf"selftest: disk{number}: ([^\r\n]*): \d+ sectors read, "
            r"(\d+) written")
        assert what[1] == "passed"
        assert int(what[2]) == written
    assert appliance.ends() == 0
    assert (tmp_path / "b.raw").stat().st_blocks == 0


def test_usb_drivers_at_work(boot, tmp_path):
    """The same on USB 3, 2 and 1 (behind a hub), plugged into controllers of
    two makers, and by EHCI; a keyboard is named, and what a companion
    controller has."""
    serial = "serial=SELFTEST"
    appliance = boot("-selftest disks", extra=(
        "-device", "qemu-xhci,id=x,addr=10",
        "-device", "nec-usb-xhci,id=n,p3=0,addr=11",
        *disk(tmp_path, "a", 200 * GB, f"usb-storage,bus=x.0,port=1,{serial}"),
        "-device", "usb-hub,bus=x.0,port=2",
        *disk(tmp_path, "b", 40000 * 512,
              f"usb-storage,bus=x.0,port=2.3,{serial}"),
        *disk(tmp_path, "c", 40000 * 512, "usb-storage,bus=n.0,port=1,"
              f"logical_block_size=4096,physical_block_size=4096,{serial}"),
        *disk(tmp_path, "d", 5000 * 512, "usb-storage,bus=n.0,port=2"),
        "-device", "usb-kbd,bus=n.0,port=3",
        "-device", "usb-ehci,id=e,addr=12",
        *disk(tmp_path, "e", 200 * GB, f"usb-storage,bus=e.0,port=1,{serial}"),
        "-device", "ich9-usb-ehci1,id=i,addr=1d.7,multifunction=on",
        *(word for n in (1, 2, 3) for word in (
            "-device", f"ich9-usb-uhci{n},masterbus=i.0,addr=1d.{n - 1},"
            f"multifunction=on,firstport={2 * n - 2}")),
        *disk(tmp_path, "f", 40000 * 512,
              f"usb-storage,bus=i.0,port=2,{serial}"),
        "-device", "usb-hub,bus=i.0,port=4"))
    told = ""
    for i, what in enumerate((
            r"usb port 1 at 00:10\.0: QEMU QEMU HARDDISK, 200 GB",
            r"usb port 6\.3 at 00:10\.0: QEMU QEMU HARDDISK, 20 MB",
            r"usb port 1 at 00:11\.0: QEMU QEMU HARDDISK, 20 MB",
            r"usb port 2 at 00:11\.0: QEMU QEMU HARDDISK, 2\.5 MB",
            r"usb port 1 at 00:12\.0: QEMU QEMU HARDDISK, 200 GB",
            r"usb port 2 at 00:1d\.7: QEMU QEMU HARDDISK, 20 MB")):
        appliance.expect(f"disk{i}: {what}")
        told += appliance.session.before
    assert "xhci at 00:11.0: port 3: keyboard" in told
    assert "ehci at 00:1d.7: port 4 left out: full or low speed: a co" in told
    for number, written in enumerate([16384] * 3 + [0] + [16384] * 2):
        what = appliance.expect(
            rf"selftest: disk{number}: ([^\r\n]*): \d+ sectors read, "
            r"(\d+) written")
        assert what[1] == "passed"
        assert int(what[2]) == written
    assert appliance.ends() == 0
    assert (tmp_path / "d.raw").stat().st_blocks == 0


def plug(appliance, path, device, told):
    """QEMU refuses it as long as it has not let go of what was unplugged."""
    for _ in range(10):
        qemu_monitor(path, f"device_add {device}")
        if appliance.session.expect([told, pexpect.TIMEOUT], timeout=4) == 0:
            return
    pytest.fail(f"the appliance did not tell of {device}")


@pytest.mark.parametrize("host", ["qemu-xhci", "usb-ehci"])
def test_usb_plug_and_unplug(boot, tmp_path, host):
    """One that comes back is the same disk, and another is another."""
    path = tmp_path / "monitor"
    for name in "ab":
        (tmp_path / f"{name}.raw").write_bytes(bytes(5000 * 512))
    appliance = boot(NO_GUEST, limit=90, extra=(
        "-device", host, "-monitor", f"unix:{path},server=on,wait=off",
        *(word for name in "ab" for word in (
            "-blockdev", f"driver=file,node-name={name},"
            f"filename={tmp_path}/{name}.raw")),
        "-device", "usb-storage,drive=a,id=first,serial=A"))
    appliance.expect(r"disk0: usb port 1 at 00:02\.0: .* 2\.5 MB")
    appliance.expect(r"engine \w+")
    for name, what in (("a", r"disk0 \(back\): usb port \d"),
                       ("b", r"disk1 \(new\): usb port \d"),
                       ("a", r"disk0 \(back\): usb port \d")):
        qemu_monitor(path, "device_del first")
        appliance.expect(r"disk\d \(gone\)")
        plug(appliance, path, f"usb-storage,drive={name},id=first,"
                              f"serial={name.upper()}", what)
    text = ask_monitor(appliance, "info disks")
    assert text.count("serial '") == 2
    assert "gone" in text
    switch_off(appliance)


def test_errors_of_the_medium(boot, tmp_path):
    """QEMU fails reads of one sector: that request fails, and no other disk."""
    extra = ["-device", "piix3-ide,id=old"]
    extra += ["-device", "qemu-xhci,id=x,addr=12",
              "-device", "usb-ehci,id=e,addr=13"]
    for name, device in (("a", "ide-hd,bus=old.0"),
                         ("n", "nvme,addr=10,serial=N"),
                         ("v", "virtio-blk-pci,addr=11"),
                         ("u", "usb-storage,bus=x.0"),
                         ("w", "usb-storage,bus=e.0"),
                         ("b", "ide-hd,bus=ide.0")):
        path = tmp_path / f"{name}.raw"
        path.write_bytes(bytes(5000 * 512))
        extra += ["-blockdev", f"driver=blkdebug,node-name={name},"
                  f"image.driver=file,image.filename={path},"
                  "inject-error.0.event=none,inject-error.0.iotype=read,"
                  "inject-error.0.sector=4990",
                  "-device", f"{device},drive={name}"]
    appliance = boot("-selftest disks", extra=(
        *extra, *disk(tmp_path, "c", 5000 * 512, "ide-hd,bus=ide.1")))
    for i in range(6):
        appliance.expect(
            rf"selftest: disk{i}: a read failed: (?!0 )\d+ sectors read")
    appliance.expect("selftest: disk6: passed: 4992 sectors read")
    appliance.ends()


def test_nvme_and_virtio_disks_are_listed(boot, tmp_path):
    """Namespaces, blocks of 4096 bytes, and both ways of virtio."""
    def virtio(name, size, options):
        return disk(tmp_path, name, size, f"virtio-blk-pci,{options}")

    appliance = boot(NO_GUEST, extra=(
        *disk(tmp_path, "a", 40 << 20, "nvme,addr=10,serial=NV-40"),
        "-device", "nvme,addr=11,serial=NV-64,id=two",
        *disk(tmp_path, "b", 64 << 20, "nvme-ns,bus=two,nsid=3,"
              "logical_block_size=4096,physical_block_size=4096"),
        *disk(tmp_path, "c", 1000 * 512, "nvme-ns,bus=two,nsid=7"),
        *virtio("d", 5 * GB, "addr=12,disable-legacy=on,serial=VM-5"),
        *virtio("e", 33 << 20, "addr=13,disable-modern=on,serial=VL-33,"
                "logical_block_size=4096,physical_block_size=4096")))
    for i, what in enumerate((
            r"nvme namespace 1 at 00:10\.0: QEMU NVMe Ctrl, 41 MB",
            r"nvme namespace 3 at 00:11\.0: QEMU NVMe Ctrl, 67 MB",
            r"nvme namespace 7 at 00:11\.0: QEMU NVMe Ctrl, 512 KB",
            r"virtio at 00:12\.0: no model name, 5\.0 GB",
            r"virtio at 00:13\.0: no model name, 34 MB")):
        appliance.expect(f"disk{i}: {what}")
    appliance.expect(r"engine \w+")
    text = rest = ask_monitor(appliance, "info disks")
    for serial, sectors, block in (
            ("NV-40", (40 << 20) // 512, 512),
            ("NV-64", (64 << 20) // 512, 4096), ("NV-64", 1000, 512),
            ("VM-5", 5 * GB // 512, 512), ("VL-33", (33 << 20) // 512, 4096)):
        rest = rest.split(f"serial '{serial}'", 1)[1]
        assert f"{sectors} sectors, blocks of {block} bytes" in (
            rest.splitlines()[1])
    assert text.count("writes=0 sectors=0 errors=0") == 5
    assert "nvme_" not in text and "virtio_" not in text    # no trouble
    switch_off(appliance)
    for name in "abcde":
        assert (tmp_path / f"{name}.raw").stat().st_blocks == 0


def disk_copy(sectors):
    """That guest's image, so long, with noise in what it copies."""
    data = bytearray(image("disk_copy").ljust(sectors * SECTOR, b"\0"))
    data[64 * SECTOR:128 * SECTOR] = random.Random(1).randbytes(64 * SECTOR)
    return bytes(data)


def check_copied(before, after):
    """What that guest leaves of its disk."""
    assert after[:128 * SECTOR] == before[:128 * SECTOR]
    assert after[128 * SECTOR:192 * SECTOR] == before[64 * SECTOR:128 * SECTOR]
    assert after[192 * SECTOR:-SECTOR] == before[192 * SECTOR:-SECTOR]
    assert after[-SECTOR:] == b"\xa5" * SECTOR


@pytest.mark.parametrize("device, cores", [
    ("ide-hd,bus=ide.0", 1), ("nvme,serial=N", 2), ("virtio-blk-pci", 1),
    ("usb-storage,bus=x.0", 1), ("usb-storage,bus=e.0", 2)])
def test_guest_on_a_disk(boot, tmp_path, device, cores):
    """It reads, writes and flushes the whole of it, from the I/O core's turn or
    from a core of its own."""
    options = ("-device", "qemu-xhci,id=x", "-device", "usb-ehci,id=e",
               *disk(tmp_path, "a", 2000 * SECTOR, device))
    path, before = tmp_path / "a.raw", disk_copy(2000)
    path.write_bytes(before)
    appliance = boot(ON_A_DISK, extra=(*options, "-smp", str(cores)))
    appliance.expect("hda: type=hd removable=0 file=disk:0 ro=0 drv=raw")
    appliance.expect(f"disk_copy ok sectors {2000:08x}\r\n")
    assert appliance.ends() == 0
    check_copied(before, path.read_bytes())


def test_guest_on_a_partition(boot, tmp_path):
    """Nothing but that partition changes; with -snapshot nothing at all."""
    start, count = 63, 1500
    options = disk(tmp_path, "a", 3000 * SECTOR, "ide-hd,bus=ide.0")
    path, guest = tmp_path / "a.raw", disk_copy(count)
    whole = bytearray(random.Random(2).randbytes(3000 * SECTOR))
    whole[446:510] = (bytes([0, 0, 2, 0, 0x83, 0, 0, 0]) +
                      start.to_bytes(4, "little") +
                      count.to_bytes(4, "little")).ljust(64, b"\0")
    whole[510:512] = b"\x55\xaa"
    whole[start * SECTOR:(start + count) * SECTOR] = guest
    path.write_bytes(whole)
    for more in " -snapshot", "":
        appliance = boot(f"{ON_A_DISK},part=1{more}", extra=options)
        appliance.expect(f"disk_copy ok sectors {count:08x}\r\n")
        assert appliance.ends() == 0
        after = path.read_bytes()
        assert not more or after == whole
    end = (start + count) * SECTOR
    assert after[:start * SECTOR] == whole[:start * SECTOR]
    assert after[end:] == whole[end:]
    check_copied(guest, after[start * SECTOR:end])


@pytest.mark.parametrize("options, told", [
    ("-hda disk:1", r"-hda: there is no disk '1' among the PC's 1"),
    ("-hda disk:0 -hdb disk:0", r"-hdb: cannot open 'disk:0': it is in use"),
    ("-hda disk:0,part=3", r"-hda: disk '0' has no partition 'part=3'"),
])
def test_mistaken_disk_is_named(boot, tmp_path, options, told):
    appliance = boot(f"-m 8 -net none -nographic {options}", extra=disk(
        tmp_path, "a", 2000 * SECTOR, "ide-hd,bus=ide.0"))
    appliance.expect(told)
    appliance.expect(r"switching off \(status 1\)")
    appliance.ends()


ERROR_SECTORS = 2000
# What the guest disk_errors sees: status and error register, sector, moved.
ERRORS_SEEN = (("good", "50", "00", ERROR_SECTORS - 17, 8),
               ("read", "51", "40", ERROR_SECTORS - 13, 3),     # UNC
               ("write", "71", "04", ERROR_SECTORS - 5, 8),     # ABRT, DF
               ("flush", "71", "04", 0, 0),
               ("beyond", "51", "10", ERROR_SECTORS - 4, 0),    # IDNF
               ("again", "50", "00", ERROR_SECTORS - 17, 8))


def error_disk(folder, name, device):
    """With the guest disk_errors; QEMU fails the read and the write of one
    sector each, and flushes."""
    path = folder / f"{name}.raw"
    data = bytearray(image("disk_errors").ljust(ERROR_SECTORS * SECTOR, b"\0"))
    for sector in range(ERROR_SECTORS - 24, ERROR_SECTORS - 8):
        data[sector * SECTOR:(sector + 1) * SECTOR] = (
            sector.to_bytes(2, "little") * (SECTOR // 2))
    path.write_bytes(data)
    rules = (f"iotype=read,sector={ERROR_SECTORS - 13}",
             f"iotype=write,sector={ERROR_SECTORS - 5}", "iotype=flush")
    return ("-blockdev", f"driver=blkdebug,node-name={name},image.driver=file,"
            f"image.filename={path}," + ",".join(
                f"inject-error.{i}.event=none,"
                + ",".join(f"inject-error.{i}.{word}"
                           for word in rule.split(","))
                for i, rule in enumerate(rules)),
            "-device", f"{device},drive={name},serial=BAD-{name}")


def test_errors_reach_the_guest(boot, tmp_path):
    """As an ATA disk's own, from each controller; each guest goes on, and so
    do the host and a guest on a disk that is well. (QEMU tells each error.)"""
    kinds = {"ahci": "ide-hd,bus=ide.0", "ide": "ide-hd,bus=old.0",
             "nvme": "nvme,addr=10", "virtio": "virtio-blk-pci,addr=11"}
    bad = [word for name, device in kinds.items()
           for word in error_disk(tmp_path, name, device)]
    well = disk(tmp_path, "well", 0, "ide-hd,bus=ide.1,serial=WELL")
    (tmp_path / "well.raw").write_bytes(
        image("disk_rounds").ljust(2000 * SECTOR, b"\0"))
    conf = EACH_OF_SEVERAL
    for name in kinds:
        conf += f"[{name}]\nhda disk:serial=BAD-{name}\nnet none\nS\n"
    conf += "[well]\nhda disk:serial=WELL\nnet none\n"
    appliance = boot("-nographic", modules=[("trestle.conf", conf.encode())],
                     extra=("-device", "piix3-ide,id=old", *bad, *well),
                     inside=("sh", "-c", 'exec "$@" 2>/dev/null', "sh"))
    appliance.expect("disk:serial=WELL")
    for number, name in enumerate(kinds, 1):
        if number > 1:
            show(appliance, number, name)
        ask_monitor(appliance, "cont")
        for what, status, error, sector, moved in ERRORS_SEEN:
            lba = r"\w{8}" if what == "flush" else f"{sector:08x}"
            appliance.expect(rf"disk_errors {what} status {status} error "
                             rf"{error} lba {lba} moved {moved:02x}\r\n")
        appliance.expect(f"{name}: the guest switched itself off")
        after = (tmp_path / f"{name}.raw").read_bytes()
        for sector in range(ERROR_SECTORS - 8, ERROR_SECTORS - 5):
            assert after[sector * SECTOR:(sector + 1) * SECTOR] == (
                sector.to_bytes(2, "little") * (SECTOR // 2))
    text = ask_monitor(appliance, "info disks")
    assert len(re.findall(r"(?:reads|writes|flushes)=.* errors=[1-9]", text)
               ) == 3 * len(kinds)
    show(appliance, 5, "well")
    appliance.expect(r"disk_rounds flushed \w{8}\r\n")
    appliance.send("x")
    appliance.ends()
    assert "disk_rounds failed" not in appliance.session.before
    flushed = re.findall(r"flushed (\w{8})\r\n", appliance.session.before)[-1]
    rounds = Rounds(CachedDisk((tmp_path / "well.raw").read_bytes()), 2000)
    assert rounds.check(int(flushed, 16)) == int(flushed, 16)
