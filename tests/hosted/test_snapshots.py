"""savevm and loadvm: a guest that counts in memory, FPU and on its disk."""
import pathlib
import re

import pytest

ENGINES = ("interp", "jit")


def count(t, n):
    """The next byte: all three counts are n, and one more afterwards."""
    t.send("x")
    t.expect(rf"tally ([0-9a-f]{{8}}) ([0-9a-f]{{8}}) ([0-9a-f]{{8}}) ok\r\n")
    assert {int(x, 16) for x in t.session.match.groups()} == {n}


def job(t, command, word="done"):
    """A command that is a job; its last line."""
    t.send(command + "\r")
    t.expect(rf"{re.escape(command)}: {word}[^\r]*\r\n")
    line = t.session.match[0]
    t.expect(r"\(trestle\) ")
    return line + t.before


@pytest.fixture
def start(trestle, guest, tmp_path):
    image = guest("tally")

    def begin(*args, store="store", name="one"):
        return trestle("-m", 16, "-hda", image, "-vmstate", tmp_path / store,
                       "-name", name, *args)

    begin.image = pathlib.Path(image)
    begin.folder = tmp_path
    return begin


def ready(t):
    t.expect("tally ready\r\n")
    return t


@pytest.mark.parametrize("saver, loader",
                         [(a, b) for a in ENGINES for b in ENGINES])
def test_another_engine_goes_on(start, saver, loader):
    t = ready(start("-accel", saver))
    for i in range(3):
        count(t, i)
    t.to_monitor()
    assert "no snapshots of this machine" in t.monitor("info snapshots")
    job(t, "savevm three")
    t.to_console()
    count(t, 3)                 # it runs on
    t.send("\x04")
    assert t.ends() == 0
    t = start("-accel", loader, "-loadvm", "three")
    t.expect("goes on from snapshot 'three'")
    count(t, 3)                 # the disk's is put back
    count(t, 4)
    t.to_monitor()
    text = t.monitor("info snapshots")
    assert re.search(r"ID +TAG +VM SIZE +DATE +VM CLOCK", text)
    assert re.search(r"1 +three +[\d.]+ [KM]B \d{4}-\d\d-\d\d \d\d:\d\d:\d\d "
                     r"\d\d:\d\d:\d\d\.\d{3} +[\d.]+ KB", text)
    assert max(map(len, text.splitlines())) < 80
    job(t, "loadvm three")
    t.to_console()
    count(t, 3)


def test_commands(start):
    t = ready(start("-accel", "interp"))
    t.to_monitor()
    for line, words in [
            ("loadvm x", "loadvm: no snapshot of this machine is 'x'; "
                         "'info snapshots' lists them"),
            ("loadvm", "use loadvm TAG|ID"),
            ("delvm 1", "delvm: no snapshot of this machine is '1'"),
            ("savevm two words", "a tag is a word of 1 to 31 printable"),
            ("savevm " + 32 * "x", "a tag is a word of 1 to 31 printable")]:
        assert words in t.monitor(line)
    job(t, "savevm a1")
    t.send("savevm\r")          # qemu's own tag
    t.expect(r"savevm vm-\d{14}: done[^\r]*\r\n\(trestle\) ")
    job(t, "savevm a1")         # replaces the first
    text = t.monitor("info snapshots")
    assert len(re.findall(r"^\d+ +(?:a1|vm-\d{14}) ", text, re.M)) == 2
    t.send("loadvm a\t\r")
    t.expect("loadvm a1: done[^\r]*\r\n\\(trestle\\) ")
    t.send("loadvm 3\r")
    t.expect("loadvm a1: done[^\r]*\r\n\\(trestle\\) ")
    job(t, "delvm a1")
    assert "a1" not in t.monitor("info snapshots")
    assert "VM status: running" in t.monitor("info status")
    t.monitor("stop")           # paused stays paused
    job(t, "savevm p")
    job(t, "loadvm p")
    assert "VM status: paused" in t.monitor("info status")
    t.monitor("cont")
    t.to_console()
    count(t, 0)


def test_no_place(trestle, guest):
    t = trestle("-m", 16, "-hda", guest("tally"))
    t.expect("tally ready\r\n")
    t.to_monitor()
    assert "start Trestle with -vmstate FILE" in t.monitor("savevm x")
    assert "start Trestle with -vmstate FILE" in t.monitor("info snapshots")


@pytest.mark.parametrize("args, words", [
    (("-loadvm", "x"), "-loadvm x: there is no such snapshot of this machine"),
    (("-vmstate", "none", "-loadvm", "x"), "-loadvm x: -vmstate has to say"),
    (("-vmstate", "/nowhere/x"), "-vmstate: cannot open '/nowhere/x': No such"),
])
def test_start_is_refused(start, args, words):
    t = start(*args)
    t.expect(re.escape(words))
    assert t.ends() == 1


def test_file_that_is_no_store(start):
    other = start.folder / "store"
    other.write_bytes(b"letters" * 1000)
    t = start()
    t.expect("something that is no store of snapshots is there")
    assert t.ends() == 1
    assert other.read_bytes() == b"letters" * 1000
    t = ready(start("-vmstate", f"{other},init=on"))
    t.to_monitor()
    job(t, "savevm x")
    t.close()
    t = start("-vmstate", f"{other},init=on", "-loadvm", "x")
    count(t, 0)


def test_image_of_a_machine_is_no_store(start):
    t = start("-vmstate", start.image)
    t.expect("another program or disk has it")
    assert t.ends() == 1


def test_damage_is_refused(start):
    """A flipped bit of the machine, of a disk; a file cut short."""
    t = ready(start("-accel", "interp"))
    count(t, 0)
    t.to_monitor()
    job(t, "savevm good")
    t.close()
    store = start.folder / "store"
    good = store.read_bytes()
    disk = good.index(b"tally ready")           # the first is the RAM's
    for bad, words in [
            (bytes(good[:disk]) + b"T" + good[disk + 1:],
             "section 'memory': was changed: its checksum does not fit"),
            (good[:-70000], "was cut short: it ends before the snapshot does"),
            (good[:2 * 65536 + 8] + b"\x09" + good[2 * 65536 + 9:],
             "the snapshot's header is damaged")]:
        store.write_bytes(bad)
        t = start("-loadvm", "good")
        t.expect(re.escape(words))
        assert t.ends() == 1
        t = ready(start())
        t.to_monitor()
        assert words in job(t, "loadvm good", "failed")
        assert "VM status: running" in t.monitor("info status")
        t.close()
    last = good.rindex(b"disk hda")             # the disk's content
    store.write_bytes(good[:last + 5000] + bytes([good[last + 5000] ^ 1]) +
                      good[last + 5001:])
    t = start("-loadvm", "good")
    t.expect("section 'disk hda': was changed: its checksum does not fit")
    assert t.ends() == 1
    store.write_bytes(good)
    count(start("-loadvm", "good"), 1)


@pytest.mark.parametrize("args, words", [
    (("-m", 32), "the memory in MiB is 16 there, 32 here"),
    (("-snapshot",), None),
    (("-drive",), "hda could be written there, and cannot here"),
    (("-net", "none"), "the number of devices"),
])
def test_another_machine(trestle, start, args, words):
    t = ready(start("-accel", "interp"))
    count(t, 0)
    t.to_monitor()
    job(t, "savevm x")
    t.close()
    before = start.image.read_bytes()
    if args[0] == "-drive":
        t = trestle("-m", 16, "-drive", f"file={start.image},readonly=on",
                    "-vmstate", start.folder / "store", "-name", "one",
                    "-loadvm", "x")
    else:
        t = start("-accel", "interp", *args, "-loadvm", "x")
    if not words:
        count(t, 1)
    else:
        t.expect(re.escape(words))
        assert t.ends() == 1
    assert start.image.read_bytes() == before


def test_overlay_stays_in_memory(start):
    """-snapshot: loadvm puts back what is in memory, never the file."""
    before = start.image.read_bytes()
    t = ready(start("-snapshot"))
    count(t, 0)
    count(t, 1)
    t.to_monitor()
    job(t, "savevm two")
    t.to_console()
    count(t, 2)
    t.to_monitor()
    job(t, "loadvm two")
    t.to_console()
    count(t, 2)
    t.close()
    assert start.image.read_bytes() == before
    t = start("-snapshot", "-loadvm", "two")
    count(t, 2)
    t.close()
    assert start.image.read_bytes() == before


def test_icount(start):
    """Virtual time goes on from the snapshot's, run for run."""
    t = ready(start("-accel", "interp", "-icount", "shift=3"))
    count(t, 0)
    t.to_monitor()
    job(t, "savevm x")
    clocks = set()
    for _ in range(2):
        t.to_console()
        count(t, 1)
        t.to_monitor()
        job(t, "loadvm x")
        t.monitor("stop")
        job(t, "savevm y")
        clocks.add(re.search(r" y .* (\d\d:\d\d:\d\d\.\d{3})",
                             t.monitor("info snapshots"))[1])
        t.monitor("cont")
    t.close()
    t = start("-accel", "jit", "-loadvm", "x")  # and in real time
    count(t, 1)


def test_machines_have_their_own(trestle, guest, tmp_path):
    """Tags are per machine, in one file that both name."""
    conf = tmp_path / "trestle.conf"
    second = tmp_path / "second.img"
    second.write_bytes(open(guest("tally"), "rb").read())
    conf.write_text(f"""vmstate {tmp_path}/store
m 16
[one]
hda {tmp_path}/tally.img
[two]
hda {second}
""")
    t = trestle("-readconfig", conf)
    t.expect("tally ready")
    t.to_monitor()
    job(t, "savevm a")
    t.send("machine two\r")
    t.expect(r"\(trestle\) ")
    assert "no snapshots of this machine" in t.monitor("info snapshots")
    assert "and 1 of other machines" in t.before
    assert "no snapshot of this machine is 'a'" in t.monitor("loadvm a")
    job(t, "savevm a")
    assert " a " in t.monitor("info snapshots")
    job(t, "delvm a")
    t.send("machine one\r")
    t.expect(r"\(trestle\) ")
    job(t, "loadvm a")
