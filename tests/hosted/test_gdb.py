"""gdb debugs guests: a tiny one, and the router's Linux kernel."""
import os
import re
import socket
import time

import pytest

from conftest import BUILD
from gdb import gdb, wait_until_it_runs       # gdb: the fixture
from peer import Peer
from together import free_port

from test_router import Router
from test_serial import connect_unix

ENGINES = pytest.mark.parametrize("engine", ["interp", "jit"])


@ENGINES
def test_tiny_guest(trestle, guest, gdb, engine):
    """From its first instruction to its end."""
    port = free_port()
    t = trestle("-m", 16, "-accel", engine, "-hda", guest("debugged"), "-S",
                "-gdb", f"tcp::{port}")
    t.expect(rf"gdb: listening on 127\.0\.0\.1:{port}\r")
    g = gdb(BUILD / "guests/debugged.elf")
    g.attach("127.0.0.1", port)
    assert g.value("$eip") == 0xfff0 and g.value("$cs") == 0xf000
    g.run("break *one_round")
    for n in range(1, 6):
        assert "Breakpoint 1, " in g.run("continue")
        assert g.value("$eip") == g.value("(unsigned)&one_round")
        assert g.value("*(unsigned *)($esp + 4)") == n
    assert g.value("$cr0") & 1
    before = g.value("$eip")
    g.run("stepi")
    assert g.value("$eip") == before + 1        # PUSH EBP
    # The guest's own code shows no trace of it.
    assert g.value("*(unsigned char *)one_round") == 0x55
    assert "guest_main" in g.run("backtrace")
    g.run("delete")
    g.run("watch *(unsigned *)&watched")
    for n in (1000, 2000):
        said = g.run("continue")
        assert f"New value = {n}" in said, said
        assert g.value("*(unsigned *)&rounds") == n
    g.run("delete")
    g.start("continue")
    t.to_monitor()
    wait_until_it_runs(lambda: t.monitor("info status"))
    assert "SIGINT" in g.interrupt()
    assert "paused" in t.monitor("info status")
    # The monitor's commands, but those that would end or hold up gdb.
    assert "VM status: paused" in g.run("monitor info status")
    assert "unknown command" in g.run("monitor nosuch")
    assert "for the monitor itself" in g.run("monitor gdbserver none")
    g.run("set var *(unsigned *)&ask_end = 0x1234abcd")


@ENGINES
def test_registers(trestle, guest, gdb, engine):
    """They are written, and the guest goes on with that after a detach."""
    port = free_port()
    t = trestle("-m", 16, "-accel", engine, "-hda", guest("debugged"),
                "-gdb", f"tcp:127.0.0.1:{port}")
    t.expect("debugged runs")
    g = gdb(BUILD / "guests/debugged.elf")
    g.attach("127.0.0.1", port)
    g.run("break *one_round")
    g.run("continue")
    g.run("set var *(unsigned *)($esp + 4) = 5000")
    g.run("finish")
    assert g.value("*(unsigned *)&watched") == 5000
    g.run("set $ecx = 0x55aa")
    g.run("set $xmm1.uint128 = 7")
    assert g.value("$ecx") == 0x55aa and g.value("$xmm1.uint128") == 7
    g.run("set $ecx = 0")
    assert "Could not write" in g.run("set $cs = 16")
    g.run("set var *(unsigned *)&ask_end = 0x1234abcd")
    g.run("detach")
    t.expect("debugged ends 1234abcd")
    assert t.ends() == 0


def test_clients(trestle, guest, gdb):
    """One at a time; the guest goes on when it leaves, however it does."""
    port = free_port()
    t = trestle("-m", 16, "-hda", guest("debugged"), "-S", "-net", "none")
    t.to_monitor()
    said = t.monitor(f"gdbserver tcp::{port}")
    assert f"gdb server: tcp:127.0.0.1:{port}, nobody is there" in said, said
    with socket.create_connection(("127.0.0.1", port), 20) as first:
        first.sendall(b"$?#3f")
        assert b"$T02thread:01;#" in first.recv(100)
        # The reset may be there before connect comes back.
        with pytest.raises(ConnectionResetError):
            with socket.create_connection(("127.0.0.1", port), 20) as second:
                second.recv(100)
        t.expect("one client at a time")
        first.sendall(b"$Z0,7c00,1#00$!!!#zz\x03\xff$" + b"a" * 10000)
        assert first.recv(100)
    t.expect("the client has gone")
    # What came behind the first damaged one may be lost with the connection.
    assert re.search(r"nobody is there; refused clients=1, damaged packets=[12]",
                     t.monitor("info gdb"))
    t.to_console()
    t.expect("debugged runs")
    t.to_monitor()
    assert "gdb server: none" in t.monitor("gdbserver none")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 20)
    assert "use tcp:[HOST]:PORT" in t.monitor("gdbserver udp::1")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        said = t.monitor(f"gdbserver tcp::{taken.getsockname()[1]}")
        assert "cannot listen on" in said, said


def test_port_taken(trestle, guest):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        t = trestle("-hda", guest("debugged"), "-gdb", f"tcp::{port}")
        t.expect(f"-gdb tcp::{port}: cannot listen")
        assert t.ends() == 1


@ENGINES
def test_linux(trestle, gdb, engine):
    """A breakpoint, steps, a watchpoint and Ctrl-C in the router's kernel."""
    port = free_port()
    t = trestle("-m", 64, "-snapshot", "-accel", engine, "-hda",
                BUILD / "router.img", "-gdb", f"tcp::{port}", "-net", "none",
                limit=400)
    router = Router(t)
    router.log_in()
    symbols = router.run("grep sys_newuname$ /proc/kallsyms")
    uname = int(re.search(r"([0-9a-f]{8}) [Tt] \w+_sys_newuname", symbols)[1],
                16)
    g = gdb(limit=300)
    g.run("set architecture i386")
    g.attach("127.0.0.1", port)
    g.run(f"break *{uname:#x}")
    g.start("continue")
    t.send("uname -a; echo back $((40 + 2))\r")
    assert f"Breakpoint 1, {uname:#010x}" in g.wait()
    assert g.value("$eip") == uname
    assert g.value("$cr0") & 0x80000001 == 0x80000001
    places = set()
    for _ in range(20):
        g.run("stepi")
        places.add(g.value("$eip"))
    assert len(places) > 5
    # No interrupt came between them: all lies in the kernel's text.
    assert all(p >= 0xc0000000 for p in places)
    # Whoever is called next writes below the stack's end.
    below = g.value("$esp - 4")
    old = g.value(f"*(unsigned *){below:#x}")
    g.run(f"watch *(unsigned *){below:#x}")
    said = g.run("continue")
    assert "Hardware watchpoint 2" in said, said
    assert g.value(f"*(unsigned *){below:#x}") != old
    g.run("delete")
    g.start("continue")
    t.expect("back 42")
    assert "SIGINT" in g.interrupt()
    g.run("detach")
    router.run("true")


def test_serial_line(trestle, guest):
    """A second line as gdb's; nobody says there that he comes."""
    master, slave = os.openpty()
    t = trestle("-m", 16, "-hda", guest("debugged"), "-gdb",
                os.ttyname(slave))
    peer = Peer(master)
    t.expect("debugged runs")
    peer.send(b"noise\0\xff\r\n")
    t.to_monitor()
    assert "nobody is there" in t.monitor("info gdb")
    assert "running" in t.monitor("info status")
    for _ in range(2):
        peer.send(b"+$?#3f")
        peer.expect(b"$T02thread:01;#")
        assert "paused" in t.monitor("info status")
        assert f"{os.ttyname(slave)}, a client is there" in \
            t.monitor("info gdb")
        peer.send(b"+$D#44")
        peer.expect(b"$OK#9a")
        assert "running" in t.monitor("info status")
    t.monitor("gdbserver none")
    os.close(master)
    os.close(slave)


def test_what_one_left_is_not_the_next_ones(trestle, guest, tmp_path):
    """Commands of a client that read nothing and went."""
    t = trestle("-m", 16, "-hda", guest("debugged"), "-gdb",
                f"unix:{tmp_path}/gdb,server=on,wait=off")
    t.expect("debugged runs")
    first = connect_unix(tmp_path / "gdb")
    os.set_blocking(first.fd, False)
    with pytest.raises(BlockingIOError):
        for _ in range(1000000):
            os.write(first.fd, b"+$m0,200#5b" * 50)
    time.sleep(0.5)
    first.owner.close()
    t.expect("the client has gone")
    second = connect_unix(tmp_path / "gdb")
    second.send(b"+")
    second.silent(b"$", 1)
    assert second.data == b""
    second.send(b"$?#3f")
    second.expect(b"+$T02thread:01;#")


def test_unix_socket(trestle, guest, gdb, tmp_path):
    t = trestle("-m", 16, "-hda", guest("debugged"), "-S", "-gdb",
                f"unix:{tmp_path}/gdb,server=on,wait=off")
    t.expect("gdb: waits at disconnected:unix:")
    g = gdb(BUILD / "guests/debugged.elf")
    g.run(f"target remote {tmp_path}/gdb")
    assert g.value("$eip") == 0xfff0
    g.run("break *one_round")
    assert "Breakpoint 1, " in g.run("continue")
    g.run("detach")
    t.expect("the client has gone")
