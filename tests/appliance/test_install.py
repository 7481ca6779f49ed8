"""A stick onto a disk, which then starts alone, and is upgraded by YMODEM."""
import subprocess

from console import PROMPT, monitor, switch_off, to_monitor
from guests import image
from medium import with_table
from stick import make_stick

READY = "uart_echo ready\r\n"
SLOT = 2048
TRESTLE = 4096 * 512            # bytes to the FAT


def add_disk(folder, name, megabytes, port):
    path = folder / f"{name}.raw"
    with open(path, "wb") as f:
        f.truncate(megabytes * 1000 * 1000)
    return path, ("-drive", f"id={name},if=none,format=raw,file={path}",
                  "-device", f"ide-hd,drive={name},bus=ide.{port}")


def large_blocks(folder):
    """A disk with blocks of 4096 bytes, behind the others."""
    path = folder / "blocks.raw"
    with open(path, "wb") as f:
        f.truncate(200 * 1000 * 1000)
    return ("-device", "pcie-root-port,id=behind,addr=1e.0",
            "-drive", f"id=blocks,if=none,format=raw,file={path}",
            "-device", "virtio-blk-pci,drive=blocks,bus=behind,"
            "logical_block_size=4096,physical_block_size=4096")


def answer(appliance, question, text):
    appliance.expect(question)
    appliance.send(f"{text}\r")


def install(appliance):
    """All that is asked, with the ways out of it."""
    appliance.expect(READY)
    to_monitor(appliance)
    for disk, why in (("disk0", "Trestle was started from it"),
                      ("disk7", "is no disk"),
                      ("disk3", "of 4096 bytes: GRUB does not start there"),
                      ("disk2", r"100 MB, and 140 MB are needed")):
        appliance.send(f"install {disk}\r")
        appliance.expect(why)
        appliance.expect(PROMPT)
    for sure, name in (("n", ""), ("y", "disk0"), ("y", "disk1")):
        appliance.send("install disk1\r")
        appliance.expect("boot loader: none that is known")
        answer(appliance, r"ALL of it will be lost.*\(y/n\) ", sure)
        if sure == "y":
            answer(appliance, "type the disk's name, disk1: ", name)
        if name != "disk1":
            appliance.expect("nothing was done")
            appliance.expect(PROMPT)
    appliance.expect("install disk1: done")
    appliance.expect("start from disk1")
    appliance.expect(PROMPT)
    appliance.send("\x01c")
    switch_off(appliance)


def upgrade_by_ymodem(appliance, path):
    appliance.expect(READY)
    to_monitor(appliance)
    text = monitor(appliance, "info slots")
    assert "slot a: good, active, running\r\n" in text
    assert "slot c: empty\r\n" in text
    appliance.send("upgrade -y ymodem\r")
    appliance.expect("Send the image by YMODEM now.*\r\n")
    line = appliance.session.child_fd
    subprocess.run(["sb", "-k", path], stdin=line, stdout=line, check=True,
                   stderr=subprocess.DEVNULL, timeout=100)
    appliance.expect(f"{path.stat().st_size} bytes, sha256 ")
    appliance.expect("slot b is on trial: boot 1 of 3")
    appliance.expect(READY)
    assert "confirm: done" in monitor(appliance, "confirm")


def test_install(boot_drive, tmp_path):
    data = with_table(image("uart_echo"), SLOT)
    stick = make_stick(tmp_path, data)
    _, small = add_disk(tmp_path, "small", 100, 2)
    target, disk = add_disk(tmp_path, "target", 200, 1)
    blocks = large_blocks(tmp_path)
    install(boot_drive(stick, "ide-hd,bus=ide.0",
                       extra=(*disk, *small, *blocks), limit=300))
    new = tmp_path / "new.img"
    new.write_bytes(data)
    appliance = boot_drive(target, "ide-hd,bus=ide.0", limit=200)
    upgrade_by_ymodem(appliance, new)
    appliance.send("\x01c")
    switch_off(appliance)
    # And by UEFI, from the slot that is active now; a file on the medium.
    subprocess.run(["mcopy", "-i", f"{target}@@{TRESTLE}", new, "::new.img"],
                   check=True)
    appliance = boot_drive(target, "ide-hd,bus=ide.0", "uefi", limit=200)
    appliance.expect(READY)
    to_monitor(appliance)
    text = monitor(appliance, "info slots")
    assert "slot b: good, active, running\r\n" in text
    assert "from ymodem" in text
    appliance.send("upgrade -y new.img\r")
    appliance.expect("slot c is on trial: boot 1 of 3")
    appliance.expect(READY)
    appliance.send("rollback -y\r")
    appliance.expect("the guest restarts from slot b")
    appliance.expect(READY)
    appliance.send("\x01c")
    switch_off(appliance)
