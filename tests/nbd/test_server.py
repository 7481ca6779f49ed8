"""The NBD server: by qemu's client, and what that would not say by hand."""
import socket
import struct
import subprocess

import pytest

from nbd.cached_disk import SECTOR, CachedDisk
from nbd.server import NbdServer

SIZE = 1 << 20
HANDSHAKE = b"NBDMAGICIHAVEOPT\0\3"


@pytest.fixture
def server():
    with NbdServer(CachedDisk(bytes(SIZE), 1)) as made:
        yield made


def qemu(server, tool, *words, status=0):
    """What that tool of qemu's says about the export."""
    done = subprocess.run(
        [tool, *words[:-1], words[-1].replace(
            "NBD", f"nbd://127.0.0.1:{server.port}")],
        capture_output=True, text=True, timeout=30)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def qemu_io(server, *commands, status=0):
    words = [word for command in commands for word in ("-c", command)]
    return qemu(server, "qemu-io", "-f", "raw", "-t", "writeback", *words,
                "NBD", status=status)


def test_qemu_sees_the_export(server):
    told = qemu(server, "qemu-nbd", f"--port={server.port}", "--list")
    assert "size:  1048576" in told
    assert "flags: 0xd ( flush fua )" in told
    assert "min block: 512" in told
    assert "virtual size: 1 MiB (1048576 bytes)" in qemu(
        server, "qemu-img", "info", "NBD")


def test_qemu_writes_and_reads(server):
    """qemu-io flushes when it ends."""
    qemu_io(server, "write -P 0x51 512 1024", f"write -P 0x52 {SIZE - 512} 512",
            "read -P 0x51 512 1024", "read -P 0 0 512")
    data = server.disk.data
    assert data[SECTOR:3 * SECTOR] == b"\x51" * 2 * SECTOR
    assert data[-SECTOR:] == b"\x52" * SECTOR
    assert not server.disk.unflushed and server.disk.flushes


def test_qemu_flushes_and_forces(server):
    """A cut in the middle of it: what qemu-io was told is safe stays."""
    server.cut_after(5)
    qemu_io(server, "write -P 1 0 64k", "flush", "write -P 2 64k 64k",
            "write -f -P 3 128k 64k", "write -P 4 192k 64k",
            "write -P 5 256k 64k", status=1)
    assert server.is_cut.is_set() and sum(server.left) == 3
    data = server.disk.data
    assert data[:1 << 16] == b"\1" * (1 << 16)
    assert data[2 << 16:3 << 16] == b"\3" * (1 << 16)
    for at, byte in (1, 2), (3, 4), (4, 5):
        assert set(data[at << 16:(at + 1) << 16]) <= {0, byte}
    assert not any(data[5 << 16:])


def test_nobody_is_answered_after_a_cut(server):
    with connect(server) as sock:
        go(sock)
        server.cut()
        assert sock.recv(1) == b""
    with pytest.raises(OSError):
        connect(server)


# ---- By hand -----------------------------------------------------------------

def connect(server):
    return socket.create_connection(("127.0.0.1", server.port), 10)


def receive(sock, count):
    data = b""
    while len(data) < count:
        more = sock.recv(count - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def greet(sock, flags=3):
    assert receive(sock, 18) == HANDSHAKE
    sock.sendall(struct.pack(">I", flags))


def option(sock, number, data=b""):
    """(kind, payload) of one reply."""
    sock.sendall(b"IHAVEOPT" + struct.pack(">II", number, len(data)) + data)
    return option_reply(sock, number)


def option_reply(sock, number):
    magic, about, kind, length = struct.unpack(">QIII", receive(sock, 20))
    assert (magic, about) == (0x3e889045565a9, number)
    return kind, receive(sock, length)


def go(sock):
    greet(sock)
    assert option(sock, 7, bytes(6)) == (
        3, struct.pack(">HQH", 0, SIZE, 13))
    assert option_reply(sock, 7)[0] == 3
    assert option_reply(sock, 7) == (1, b"")


def request(sock, kind, offset=0, length=0, flags=0, data=b""):
    """The error of its reply."""
    sock.sendall(struct.pack(">IHHQQI", 0x25609513, flags, kind, 77, offset,
                             length) + data)
    magic, error, cookie = struct.unpack(">IIQ", receive(sock, 16))
    assert (magic, cookie) == (0x67446698, 77)
    return error


def test_options(server):
    with connect(server) as sock:
        greet(sock)
        assert option(sock, 8)[0] == 0x80000001         # structured replies
        assert option(sock, 99, b"what")[0] == 0x80000001
        assert option(sock, 7, b"\0\0\0\5ab")[0] == 0x80000003
        assert option(sock, 6, bytes(3))[0] == 0x80000003
        assert option(sock, 3, b"x")[0] == 0x80000003
        assert option(sock, 3) == (2, bytes(4))
        assert option_reply(sock, 3) == (1, b"")
        assert option(sock, 2) == (1, b"")              # the end
        assert sock.recv(1) == b""


@pytest.mark.parametrize("flags, zeroes", [(1, 124), (3, 0)])
def test_old_way_to_begin(server, flags, zeroes):
    with connect(server) as sock:
        greet(sock, flags)
        sock.sendall(b"IHAVEOPT" + struct.pack(">II", 1, 0))
        assert receive(sock, 10 + zeroes) == (
            struct.pack(">QH", SIZE, 13) + bytes(zeroes))
        assert request(sock, 0, 0, SECTOR) == 0
        assert receive(sock, SECTOR) == bytes(SECTOR)


@pytest.mark.parametrize("said", [
    struct.pack(">I", 0),                               # not fixed newstyle
    struct.pack(">I", 7),                               # an unknown flag
    struct.pack(">I", 3) + b"IHAVEOPX" + bytes(8),
    struct.pack(">I", 3) + b"IHAVEOPT" + struct.pack(">II", 7, 1 << 20),
])
def test_nonsense_ends_the_connection(server, said):
    with connect(server) as sock:
        assert receive(sock, 18) == HANDSHAKE
        sock.sendall(said)
        with pytest.raises((EOFError, ConnectionResetError)):
            receive(sock, 1)
    with connect(server) as sock:                       # the next is served
        go(sock)


def test_bad_requests_are_refused(server):
    with connect(server) as sock:
        go(sock)
        assert request(sock, 0, SIZE, SECTOR) == 22     # EINVAL
        assert request(sock, 0, 1, SECTOR) == 22
        assert request(sock, 0, 0, 100) == 22
        assert request(sock, 0, 0, 0) == 22
        assert request(sock, 0, 0, 64 << 20) == 22
        assert request(sock, 0, 0, SECTOR, flags=4) == 22
        assert request(sock, 1, SIZE - SECTOR, 2 * SECTOR,
                       data=b"x" * 1024) == 28          # ENOSPC
        assert request(sock, 4, 0, SECTOR) == 22        # TRIM
        assert request(sock, 6, 0, SECTOR) == 22        # WRITE_ZEROES
        assert not any(server.disk.data)
        assert request(sock, 1, 0, SECTOR, flags=1, data=b"y" * SECTOR) == 0
        assert request(sock, 3) == 0
        sock.sendall(struct.pack(">IHHQQI", 0x25609513, 0, 2, 0, 0, 0))
        assert sock.recv(1) == b""
    assert server.disk.data[:SECTOR] == b"y" * SECTOR
