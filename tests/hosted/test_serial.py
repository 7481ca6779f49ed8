"""-serial and -monitor: each back end with somebody real at its other end."""
import os
import random
import re
import select
import socket
import termios
import time

import pytest

from conftest import ESCAPE, PROMPT
from peer import BINARY, BREAK, DO, IAC, OFFER, WILL, Peer, connect
from together import free_port
from test_options import run

SPOKEN = b"".join(b"%04d\r\n" % i for i in range(4000))


def connect_unix(path):
    s = socket.socket(socket.AF_UNIX)
    end = time.time() + 20
    while True:
        try:
            s.connect(str(path))
            return Peer(s.fileno(), s)
        except (FileNotFoundError, ConnectionRefusedError):
            assert time.time() < end
            time.sleep(0.02)


@pytest.fixture
def four(trestle, guest):
    """four(option, ...) -> Trestle with the guest that echoes four ports."""
    def start(*args, **kwargs):
        return trestle("-m", 16, "-net", "none", "-hda", guest("uart_four"),
                       *args, **kwargs)

    return start


def serials(*devices):
    return [word for d in devices for word in ("-serial", d)]


def test_four_ports(four, tmp_path):
    """Each is its own; what one does not read holds up no other."""
    ports = [free_port() for _ in range(2)]
    out = tmp_path / "said"
    t = four(*serials("mon:stdio", f"tcp::{ports[0]},server,nowait",
                      f"telnet:127.0.0.1:{ports[1]},server=on,wait=off",
                      f"file:{out}"))
    t.expect("port 0 ready")
    tcp, telnet = connect(ports[0]), connect(ports[1])
    telnet.expect(OFFER)
    telnet.send(BINARY)
    for peer, word in ((tcp, b"over tcp"), (telnet, b"\xff\xffby telnet\r\0")):
        peer.send(word)
        peer.expect(word)
    t.send("here\r")
    t.expect("here\r")
    t.to_monitor()
    said = t.monitor("info chardev")
    assert re.search(r"compat_monitor0: filename=mux\nserial0: filename=mux\n"
                     rf"serial1: filename=tcp:127.0.0.1:{ports[0]},server=on"
                     r" <-> 127.0.0.1:\d+\n(  dropped.*\n)?"
                     rf"serial2: filename=telnet:127.0.0.1:{ports[1]},server=on"
                     r" <-> 127.0.0.1:\d+\n(  dropped.*\n)?"
                     r"serial3: filename=file\n", said), said
    # A break of each kind.
    assert t.monitor("chardev-send-break serial1") == ""
    tcp.expect(b"<break>")
    telnet.send(bytes([IAC, BREAK]) + b"t")
    telnet.expect(b"<break>t")
    telnet.send(b"\r~b")
    telnet.expect(bytes([IAC, BREAK]))
    t.send(ESCAPE + "c" + ESCAPE + "b")
    t.expect("<break>")
    assert out.read_bytes() == b"port 3 ready\r\n"
    # Another divisor of the guest's changes nothing.
    tcp.send(b"\r~d")
    tcp.expect(b"slow now\r\n")
    tcp.send(b"x" * 3000)
    tcp.expect(b"x" * 3000)
    t.send("\r~p")
    t.expect("switched itself off")
    assert t.ends() == 0


def test_slow_reader_loses_nothing(four):
    """24 KB wait in a socket that nobody reads, and the console goes on."""
    port = free_port()
    t = four(*serials("mon:stdio", f"tcp::{port},server=on,wait=off"))
    t.expect("port 0 ready")
    peer = connect(port)
    peer.owner.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2304)
    peer.send(b"\r~s")
    time.sleep(0.5)
    # What waits at the port is in the log already, or will be.
    assert peer.expect(SPOKEN[-6:], 30).endswith(SPOKEN)
    t.send("on")
    t.expect("on")


def test_pasted_text_is_whole(four):
    """More than all buffers hold, while the guest takes its time."""
    port = free_port()
    t = four(*serials("null", f"tcp::{port},server=on,wait=off"))
    peer = connect(port)
    t.expect(PROMPT)
    while "ready" not in t.monitor("serial_log serial1"):
        pass
    data = b"".join(b"%06d," % i for i in range(30000))
    peer.silent(b"nothing")
    peer.data = b""                     # what it said at the start
    sent = 0
    peer.owner.setblocking(False)
    end = time.time() + 60
    while len(peer.data) < len(data) and time.time() < end:
        readable, writable, _ = select.select(
            [peer.fd], [peer.fd] if sent < len(data) else [], [], 5)
        if writable:
            sent += os.write(peer.fd, data[sent:sent + 65536])
        if readable:
            peer.data += os.read(peer.fd, 65536)
    assert peer.data == data


def test_input_before_the_guest_listens_is_dropped(four, tmp_path):
    """Of every kind of line; `info status` counts it."""
    port = free_port()
    master, slave = os.openpty()
    t = four(*serials("mon:stdio", f"tcp::{port},server,nowait",
                      os.ttyname(slave), f"unix:{tmp_path}/s,server,nowait"),
             "-S")
    peers = [connect(port), Peer(master), connect_unix(tmp_path / "s")]
    t.to_monitor()
    for peer in peers:
        peer.send(b"early")
    end = time.time() + 20
    while t.monitor("info status").count(
            ": typed before the guest listened, dropped: 5 bytes") < 3:
        assert time.time() < end
    t.monitor("cont")
    for n, peer in enumerate(peers, 1):
        said = peer.expect(b"ready\r\n")
        peer.send(b"late")
        said += peer.expect(b"late")
        assert said == b"port %d ready\r\nlate" % n
    os.close(master)
    os.close(slave)


def test_paste_to_a_guest_that_says_nothing(trestle, guest):
    """It reads, and nothing but that makes room for the next."""
    port = free_port()
    t = trestle("-m", 16, "-net", "none", "-hda", guest("count"), "-serial",
                f"tcp::{port},server=on,wait=off")
    peer = connect(port)
    peer.expect(b"count ready\r\n")
    values = [v for v in range(256) if v != 4]
    data = bytes(random.Random(5).choices(values, k=200000))
    peer.send(data + b"\x04")
    a = b = 0
    for byte in data:
        a = (a + byte) % 65535
        b = (b + a) % 65535
    peer.expect(b"bytes %08x sum %08x" % (len(data), b << 16 | a), 55)
    assert t.ends() == 0


def test_a_flood_of_breaks(four):
    """Who sends them without an end holds up nobody else."""
    port = free_port()
    t = four(*serials("mon:stdio", f"telnet::{port},server=on,wait=off"))
    t.expect("port 0 ready")
    peer = connect(port)
    peer.send(bytes([IAC, BREAK]) * 100000)
    start = time.time()
    t.send("still here")
    t.expect("still here")
    assert time.time() - start < 10
    peer.send(b"\rend")
    peer.expect(b"end")


def test_clients_come_and_go(four):
    """One at a time; what is said meanwhile is dropped, counted, and logged."""
    port = free_port()
    t = four(*serials("mon:stdio", f"tcp::{port},server"))
    # -serial tcp: with server waits for the first one.
    t.expect("serial1: waiting for a connection")
    assert t.silent("port 0 ready")
    first = connect(port)
    t.expect("port 0 ready")
    first.expect(b"port 1 ready\r\n")
    with pytest.raises(ConnectionResetError):
        second = connect(port)
        while second.more(20):
            pass
        raise ConnectionResetError      # an end without a reset is one, too
    first.send(b"a")
    first.expect(b"a")
    first.owner.close()
    t.expect("serial1: the other end has gone")
    t.send("\r~r")                      # reset
    t.expect("port 0 ready")
    t.to_monitor()
    said = t.monitor("info chardev")
    assert re.search(rf"serial1: filename=disconnected:tcp:127.0.0.1:{port},"
                     r"server=on\n  dropped, as nobody was there: 14 bytes\n"
                     r"  refused, beside the one: 1\n", said), said
    # The log goes over resets, and knows what nobody saw.
    assert t.monitor("serial_log serial1") == \
        "port 1 ready\naport 1 ready\n"
    assert t.monitor("serial_log 1 serial1") == "aport 1 ready\n"
    third = connect(port)
    third.send(b"third")
    third.expect(b"third")


def test_client_of_another(four):
    """It connects to who listens, and again when that one is back."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        t = four(*serials(f"tcp:127.0.0.1:{port},reconnect=1",
                          f"telnet:localhost:{port}"))
        peers = {}
        for _ in range(2):
            s = server.accept()[0]
            p = Peer(s.fileno(), s)
            peers[p.expect(b" ready\r\n")[:6]] = p
        first, telnet = peers[b"port 0"], peers[b"port 1"]
        # A telnet server's offer is answered once.
        telnet.send(OFFER)
        telnet.expect(bytes([IAC, DO, 1, IAC, DO, 3, IAC, DO, 0, IAC, WILL, 0]))
        telnet.send(b"\xff\xff")
        telnet.expect(b"\xff\xff")
        first.owner.close()
        t.expect("serial0: the other end has gone")
        s = server.accept()[0]
        again = Peer(s.fileno(), s)
        again.send(b"again")
        again.expect(b"again")


def test_nobody_to_connect_to():
    done = run(["-serial", f"tcp:127.0.0.1:{free_port()}", "-net", "none"])
    assert done.returncode == 1
    assert "-serial (serial0): cannot connect: Connection refused" in \
        done.stderr


def test_udp(four):
    ours, theirs = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_DGRAM)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s, \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        s.bind(("127.0.0.1", ours))
        s.settimeout(20)
        t = four(*serials("mon:stdio",
                          f"udp:127.0.0.1:{ours}@127.0.0.1:{theirs}"))
        said = b""
        while not said.endswith(b"port 1 ready\r\n"):
            said += s.recv(2000)
        stranger.sendto(b"stranger", ("127.0.0.1", theirs))
        s.sendto(b"hello", ("127.0.0.1", theirs))
        said = b""
        while len(said) < 5:
            said += s.recv(2000)
        assert said == b"hello"
        t.to_monitor()
        assert f"serial1: filename=udp:127.0.0.1:{ours}@127.0.0.1:{theirs}\n" \
            "  refused, beside the one: 1\n" in t.monitor("info chardev")


def test_unix(four, tmp_path):
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))            # nobody listens there any more
    t = four(*serials("mon:stdio", f"unix:{path},server,nowait"))
    t.expect("port 0 ready")
    peer = connect_unix(path)
    peer.send(b"hello")
    peer.expect(b"hello")
    t.to_monitor()
    assert f"serial1: filename=unix:{path},server=on\n" in \
        t.monitor("info chardev")
    t.send("quit\r")
    assert t.ends() == 0
    assert not path.exists()
    path.write_text("a file of somebody's")
    done = run(["-serial", f"unix:{path},server", "-net", "none"])
    assert "cannot listen there: File exists" in done.stderr
    assert path.read_text() == "a file of somebody's"


def test_unix_client(four, tmp_path):
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen(1)
        four(*serials("mon:stdio", f"unix:{path}"))
        s = server.accept()[0]
        peer = Peer(s.fileno(), s)
        peer.expect(b"port 1 ready\r\n")


def test_pty(four):
    t = four(*serials("mon:stdio", "pty"))
    name = t.expect(r"char device redirected to (/dev/pts/\d+) "
                    r"\(label serial1\)")[1]
    t.expect("port 0 ready")
    for text in (b"one\r", b"two\x03\x11\x13\r"):
        # Nobody was there: nothing is left from then.
        fd = os.open(name, os.O_RDWR | os.O_NOCTTY)
        peer = Peer(fd)
        time.sleep(0.3)
        peer.send(text)
        assert peer.expect(text) == text
        os.close(fd)
        time.sleep(0.3)


def test_serial_line(four):
    """A tty: raw, at the speed that it has, which is there again at the end."""
    master, slave = os.openpty()
    mode = termios.tcgetattr(slave)
    mode[4] = mode[5] = termios.B9600
    termios.tcsetattr(slave, termios.TCSANOW, mode)
    mode = termios.tcgetattr(slave)
    name = os.ttyname(slave)
    t = four(*serials("mon:stdio", name))
    t.expect("port 0 ready")
    peer = Peer(master)
    peer.expect(b"port 1 ready\r\n")
    during = termios.tcgetattr(slave)
    assert during[4:6] == [termios.B9600] * 2
    assert not during[3] & (termios.ECHO | termios.ICANON | termios.ISIG)
    every = bytes(v for v in range(256) if v not in b"~")
    peer.send(b"x" + every)
    assert peer.expect(b"x" + every)
    peer.send(b"\r~d")
    peer.expect(b"slow now\r\n")
    assert termios.tcgetattr(slave)[4:6] == [termios.B9600] * 2
    done = run(["-serial", name, "-net", "none"])
    assert f"'{name}' is in use by another program" in done.stderr
    t.send("\r~p")
    assert t.ends() == 0
    assert termios.tcgetattr(slave) == mode
    os.close(master)
    os.close(slave)
    done = run(["-serial", "/dev/null", "-net", "none"])
    assert "'/dev/null' is no serial line" in done.stderr
    done = run(["-serial", "com2", "-net", "none"])
    assert "'com2' is the appliance's" in done.stderr


def test_pipe(four, tmp_path):
    for end in ("in", "out"):
        os.mkfifo(tmp_path / f"p.{end}")
    t = four(*serials("mon:stdio", f"pipe:{tmp_path}/p"))
    # Without a reader the guest goes on, and more than a FIFO's worth is told.
    t.expect(f"serial1: nobody reads '{tmp_path}/p.out'; what the port says is "
             "dropped")
    t.to_monitor()
    with open(tmp_path / "p.in", "wb", buffering=0) as into:
        wait_for_dropped(t, len("port 1 ready\r\n"))
        for _ in range(5):
            into.write(b"x" * 20000)
        wait_for_dropped(t, 100000)
        for word in b"hello", b"again":
            with open(tmp_path / "p.out", "rb", buffering=0) as out:
                os.set_blocking(out.fileno(), False)
                peer = Peer(out.fileno())
                end = time.time() + 40
                while word not in peer.data:
                    assert time.time() < end
                    into.write(word)
                    time.sleep(0.1)
                    peer.data += out.read(65536) or b""
            into.write(b"yy")
            t.expect("serial1: nobody reads ")
    os.unlink(tmp_path / "p.out")
    done = run(["-serial", f"pipe:{tmp_path}/p", "-net", "none"])
    assert f"cannot open '{tmp_path}/p.out': No such file" in done.stderr
    os.unlink(tmp_path / "p.in")
    done = run(["-serial", f"pipe:{tmp_path}/p", "-net", "none"])
    assert f"cannot open '{tmp_path}/p.in', nor '{tmp_path}/p': No such" in \
        done.stderr


def wait_for_dropped(t, least):
    """Until serial1 has dropped so many bytes; in the monitor."""
    end = time.time() + 40
    while True:
        said = re.search(r"serial1: .*\n  dropped, as nobody was there: (\d+)",
                         t.monitor("info chardev"))
        if said and int(said[1]) >= least:
            return
        assert time.time() < end, said


def test_who_ends_his_side(four):
    """He still hears the answer; and is read to his end who hangs up."""
    ports = [free_port() for _ in range(2)]
    t = four(*serials("mon:stdio", f"tcp::{ports[0]},server=on,wait=off"),
             "-monitor", f"tcp::{ports[1]},server=on,wait=off")
    t.expect("port 0 ready")
    with socket.create_connection(("127.0.0.1", ports[1])) as s:
        s.sendall(b"info version\r")
        s.shutdown(socket.SHUT_WR)
        s.settimeout(20)
        said = b""
        while part := s.recv(4096):
            said += part
    assert b"trestle" in said.split(b"info version")[1].lower()
    text = b"".join(b"%05d," % i for i in range(20000))
    with socket.create_connection(("127.0.0.1", ports[0])) as s:
        s.sendall(text)
    t.to_monitor()
    end = time.time() + 50
    while "19999," not in t.monitor("serial_log 1 serial1")[-100:]:
        assert time.time() < end


def test_ringbuf(four):
    t = four(*serials("mon:stdio", "ringbuf:64", "chardev:r"),
             "-chardev", "ringbuf,id=r,size=16")
    t.expect("port 0 ready")
    t.to_monitor()
    assert t.monitor("ringbuf_write serial1 typed here") == ""
    end = time.time() + 20
    said = ""
    while "typed here" not in said and time.time() < end:
        said += t.monitor("ringbuf_read serial1 1000").removesuffix("\n")
    assert "typed here" in said
    assert t.monitor("ringbuf_write r 0123456789abcdefghij") == ""
    end = time.time() + 20
    while "20 bytes" not in t.monitor("info chardev") and \
            "abcdefghij" not in t.monitor("serial_log r") and \
            time.time() < end:
        pass
    assert t.monitor("ringbuf_read r 1000") == "456789abcdefghij\n"
    assert "'serial0' is no serial port with -serial ringbuf" in \
        t.monitor("ringbuf_read serial0 10")


def test_monitor_beside_the_console(four, tmp_path):
    """Several at once, each with a line and a session of its own."""
    port = free_port()
    t = four(*serials("stdio"), "-monitor",
             f"telnet::{port},server=on,wait=off", "-monitor",
             f"unix:{tmp_path}/m,server=on,wait=off")
    t.expect("port 0 ready")
    one, two = connect(port), connect_unix(tmp_path / "m")
    for peer in (one, two):
        peer.expect(b"monitor - type 'help' for more information")
        peer.expect(b"(trestle) ")
    one.send(b"info sta")               # a line of its own, half typed
    assert "VM status: running" in two.monitor("info status")
    one.send(b"tus\r")
    one.expect(b"VM status: running")
    one.expect(b"(trestle) ")
    assert two.monitor("stop") == ""
    assert "paused" in one.monitor("info status")
    assert one.monitor("cont") == ""
    said = two.monitor("info chardev")
    assert re.search(r"\Acompat_monitor0: filename=telnet:.* <-> .*\n"
                     r"compat_monitor1: filename=unix:.*\n"
                     r"serial0: filename=mux\n\Z", said), said
    # A long answer that nobody reads holds up neither guest nor monitor.
    two.monitor("set paging off")
    for _ in range(300):
        two.send(b"info mtree\r")
    t.send("still here")
    t.expect("still here")
    assert "running" in one.monitor("info status")
    # Who comes back begins anew. (What they left unread makes it a reset.)
    gone = "compat_monitor0: the (other end has gone|connection failed)"
    one.send(b"half a li")
    one.owner.close()
    t.expect(gone)
    one = connect(port)
    one.expect(b"(trestle) ")
    assert one.monitor("info name") == "trestle\n"
    # A text half pasted is not the next one's.
    one.send(b"config import\rm 16\r")
    one.expect(b"m 16")
    time.sleep(1)                       # the log says it once a second
    one.owner.close()
    t.expect(gone)
    one = connect(port)
    one.expect(b"(trestle) ")
    assert one.monitor("info name") == "trestle\n"
    # Ctrl-a c finds no monitor here.
    t.send(ESCAPE + "c" + "z")
    t.expect("z")
    one.send(b"quit\r")
    assert t.ends() == 0


def test_console_and_monitor_on_one_line(four):
    """mon: is a console with a monitor behind the escape key, anywhere."""
    port = free_port()
    t = four(*serials(f"mon:tcp::{port},server=on"))
    t.expect(PROMPT)
    peer = connect(port)
    peer.expect(b"port 0 ready\r\n")
    peer.send(b"\x01c")
    peer.expect(b"(trestle) ")
    assert "serial0: filename=mux:tcp:" in peer.monitor("info chardev")
    peer.send(b"\x01chello")
    peer.expect(b"hello")
    peer.send(b"\x01b")
    peer.expect(b"<break>")
    peer.send(b"\x01tone\rtwo\n")
    peer.expect(b"\n")
    peer.send(b"stamped")
    assert re.search(rb"\[00:\d\d:\d\d\.\d{3}\] $", peer.expect(b"] ")[-16:])
    peer.send(b"\x01x")
    assert t.ends() == 0


def test_monitor_none(four):
    t = four(*serials("mon:stdio"), "-monitor", "none")
    t.expect("port 0 ready")
    t.to_monitor()                      # mon: asks for it
    t.close()
    t = four("-monitor", "none")
    t.expect("port 0 ready")
    t.send(ESCAPE + "c" + "x")
    t.expect("x")
    t.send(ESCAPE + "x")
    assert t.ends() == 0


def test_shared_chardev(four):
    """qemu's modern words for the same."""
    port = free_port()
    four("-chardev", f"socket,id=both,port={port},server=on,wait=off,mux=on",
         "-serial", "chardev:both", "-mon", "chardev=both,mode=readline")
    peer = connect(port)
    peer.send(b"\x01c")
    peer.expect(b"(trestle) ")
    assert "both: filename=mux:tcp:" in peer.monitor("info chardev")


def test_two_machines(trestle, guest, tmp_path):
    """Each has its ports; those of one are not the other's."""
    ports = [free_port() for _ in range(2)]
    conf = tmp_path / "trestle.conf"
    conf.write_text("".join(
        f"[{name}]\nm 16\nhda {guest('uart_four')}\nnet none\n"
        f"serial mon:stdio\nserial tcp::{port},server=on,wait=off\n"
        for name, port in zip(("one", "two"), ports)))
    t = trestle("-readconfig", conf, "-snapshot")
    peers = [connect(port) for port in ports]
    for peer, word in zip(peers, (b"first", b"second")):
        # What comes before the guest listens is dropped.
        for _ in range(100):
            peer.send(word)
            peer.more(0.2)
            if word in peer.data:
                break
        peer.expect(word)
    t.to_monitor()
    assert f":{ports[0]}," in t.monitor("info chardev")
    t.monitor("machine two")
    assert f":{ports[1]}," in t.monitor("info chardev")


def test_log_is_kept(four, tmp_path):
    """Over resets, and of a port that goes nowhere."""
    t = four(*serials("mon:stdio", "null"))
    t.expect("port 0 ready")
    t.to_monitor()
    said = t.monitor("serial_log all")
    assert said.endswith("port 0 ready\n"), said
    # Also what goes nowhere is kept.
    end = time.time() + 40
    while t.monitor("serial_log serial1") != "port 1 ready\n":
        assert time.time() < end
    assert t.monitor("system_reset") == ""
    while t.monitor("serial_log serial1") != "port 1 ready\n" * 2:
        assert time.time() < end
    # As it came, in a file or over the line.
    assert t.monitor(f"serial_log all serial1 -o {tmp_path}/log") == ""
    assert (tmp_path / "log").read_bytes() == b"port 1 ready\r\n" * 2
    assert re.search(r"begin-base64 644 serial.log\n"
                     r"cG9ydCAxIHJlYWR5DQpwb3J0IDEgcmVhZHkNCg==\n====\n",
                     t.monitor("serial_log all serial1 -o -"))
    t.monitor("set paging on")
    t.send("serial_log all\r")
    t.expect(r"port 0 ready\r\n")
