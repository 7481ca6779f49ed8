"""The screen by VNC, seen by a client of our own (tests/rfb.py)."""
import pathlib
import random
import re
import socket
import struct
import sys
import time

import pytest

import pictures
import rfb

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "appliance"))

import screen  # noqa: E402

PORT = 5900


def free_display():
    """One whose port nobody has now."""
    while True:
        number = random.randrange(100, 20000)
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", PORT + number)):
                return number


class Served:
    """trestle with a serial line in the terminal, and VNC clients."""

    def __init__(self, trestle, *args, more=""):
        self.number = free_display()
        self.port = PORT + self.number
        self.line = trestle("-m", 16, *args, "-vnc", f":{self.number}{more}")
        self.line.expect(rf"VNC server at 127\.0\.0\.1:{self.port} \(ipv4\)")
        self.reader = screen.Screen(pathlib.Path("."))
        self.clients = []

    def client(self, *args, **kwargs):
        self.clients.append(rfb.Rfb(self.port, *args, **kwargs))
        return self.clients[-1]

    def text(self, client, wide=8):
        return "\n".join(self.reader.row(client, 0, y, wide).rstrip()
                         for y in range(0, client.height - 15, 16))

    def wait(self, client, pattern, wide=8, timeout=30):
        end = time.time() + timeout
        while not (found := re.search(pattern, self.text(client, wide))):
            client.update(0.1)
            assert time.time() < end, self.text(client, wide)
        return found

    def close(self):
        for c in self.clients:
            c.close()


@pytest.fixture
def served(trestle, guest):
    started = []

    def start(*args, name="uart_echo", **kwargs):
        started.append(Served(trestle, "-hda", guest(name), *args, **kwargs))
        return started[-1]

    yield start
    for s in started:
        s.close()


@pytest.mark.parametrize("engine", ["interp", "jit"])
def test_three_consoles(served, tmp_path, engine):
    s = served("-accel", engine)
    s.line.expect("uart_echo ready")
    c = s.client()
    assert c.name == "Trestle"
    c.wait(lambda c: (c.width, c.height) == (720, 400))
    s.line.to_monitor()
    s.line.monitor(f"screendump {tmp_path}/vga.ppm")
    vga = pictures.read_ppm((tmp_path / "vga.ppm").read_bytes())
    c.wait(lambda c: (c.width, c.height, c.pixels) == vga)      # cursor and all
    s.line.monitor("console 2")
    s.wait(c, r"(?s)monitor - type 'help'.*\n\(trestle\)")
    assert (c.width, c.height) == (640, 480)
    s.line.monitor("console 3")
    s.wait(c, "uart_echo ready")
    s.line.monitor("console 1")
    c.wait(lambda c: (c.width, c.height, c.pixels) == vga)


def test_only_what_changed_is_sent(served):
    s = served()
    s.line.expect("uart_echo ready")
    s.line.to_monitor()
    s.line.monitor("console 3")
    c = s.client()
    s.wait(c, "uart_echo ready")
    c.look(2.5)                         # until the console's name is gone
    c.drawn = 0
    s.line.to_console()
    s.line.send("x")
    s.wait(c, r"uart_echo ready\nx")
    assert 0 < c.drawn <= 2 * 64 * 16


def test_keys_to_terminals(served):
    """Ctrl-Alt-N chooses, what is typed goes to the monitor and the guest."""
    s = served()
    s.line.expect("uart_echo ready")
    c = s.client()
    c.console(2)
    s.wait(c, r"\(trestle\)")
    c.type("info status\r")
    s.wait(c, r"VM status: running")
    c.press(rfb.UP)
    s.wait(c, r"instructions run\n(.*\n)*\(trestle\) info status\s*\Z")
    c.console(3)
    s.wait(c, "uart_echo ready")
    c.type("Hello, {World} ~|#\\")
    s.line.expect(r"Hello, \{World\} ~\|#\\")
    c.console(1)
    s.wait(c, "Booting from Hard Disk", wide=9)


# again: mov ah, 0; int 16h; mov ah, 0eh; int 10h; jmp again
SHOWS_KEYS = bytes.fromhex("b400cd16b40ecd10ebf6")


@pytest.mark.parametrize("layout, text", [
    ("en-us", "Hello, {World} ~|#\\ 123"), ("de", "Zyx World #/&=")])
def test_keys_to_the_guest(served, trestle, tmp_path, layout, text):
    """By the layout, with the Shift that it wants and not the client's."""
    image = tmp_path / "keys.img"
    image.write_bytes((SHOWS_KEYS.ljust(510, b"\0") + b"\x55\xaa")
                      .ljust(65536))
    s = Served(trestle, "-hda", image, "-k", layout)
    c = s.client()
    s.wait(c, "Booting from Hard Disk", wide=9)
    for character in text:
        if character.isupper():
            c.key(rfb.SHIFT, True)
        c.press(ord(character))
        c.key(rfb.SHIFT, False)
    shown = text if layout == "en-us" else as_en_us(text)
    s.wait(c, re.escape(shown), wide=9)
    c.close()


def as_en_us(text):
    """What an American BIOS makes of the keys of a German layout."""
    german = dict(zip("Zyx World#/&=", "Yzx World\\&^)"))
    return "".join(german[c] for c in text)


def test_pointer_and_lost_keys(served):
    """The guest's mouse moves; keys of a client that leaves are released."""
    s = served()
    s.line.expect("uart_echo ready")
    c = s.client()
    c.wait(lambda c: c.width == 720)
    c.pointer(100, 100)
    c.pointer(120, 90, 1)
    c.key(rfb.CTRL, True)
    c.key(rfb.ALT, True)
    c.close()
    c = s.client()
    c.wait(lambda c: c.width == 720)
    c.press(ord("2"))                   # alone: no console is chosen
    c.look(1)
    assert (c.width, c.height) == (720, 400)
    c.console(2)
    c.wait(lambda c: c.width == 640)


@pytest.mark.parametrize("letter", ["1", "2", "p", "h", "v"])
def test_graphics(served, letter):
    """As the guest drew it, dot for dot, whatever size it takes."""
    s = served(name="screens")
    s.line.expect("ready")
    c = s.client()
    s.line.send(letter)
    s.line.expect(f"mode {letter}")
    drawn = pictures.drawn(letter)
    c.wait(lambda c: (c.width, c.height, c.pixels) == drawn)


def test_client_that_knows_no_sizes(served):
    """It has the upper left of what it was told of."""
    s = served(name="screens")
    s.line.expect("ready")
    c = s.client(sizes=False)
    s.line.send("v")
    s.line.expect("mode v")
    width, _, drawn = pictures.drawn("v")
    wanted = [p for y in range(c.height)
              for p in drawn[y * width:y * width + c.width]]
    c.wait(lambda c: c.pixels == wanted)


def test_several_clients(served):
    s = served()
    s.line.expect("uart_echo ready")
    s.line.to_monitor()
    s.line.monitor("console 3")
    first, second = s.client(), s.client()
    for c in first, second:
        s.wait(c, "uart_echo ready")
    text = s.line.monitor("info vnc")
    assert len(re.findall(r"Client: 127\.0\.0\.1:\d+ \(ipv4\)\n", text)) == 2
    assert text.startswith(f"default:\n  Server: 127.0.0.1:{s.port} (ipv4)\n"
                           "    Auth: none (Sub: none)\n")
    first.close()
    s.line.to_console()
    s.line.send("after")
    s.wait(second, "after")
    s.line.to_monitor()
    assert s.line.monitor("info vnc").count("Client:") == 1


def test_client_that_never_reads(served):
    """It holds up neither the others nor the guest."""
    s = served(name="screens")
    s.line.expect("ready")
    stuck, c = s.client(), s.client()
    for letter in "v2v2v2":
        for _ in range(20):
            stuck.request(incremental=False)
        began = time.time()
        s.line.send(letter)
        s.line.expect(f"mode {letter}")
        drawn = pictures.drawn(letter)
        c.wait(lambda c, d=drawn: (c.width, c.height, c.pixels) == d)
        assert time.time() - began < 20


@pytest.mark.parametrize("kind", [8, 15])
def test_scaling_is_refused(served, kind):
    """Whole, in pieces; the picture comes on as it is, smaller ones, too."""
    s = served(name="screens")
    s.line.expect("ready")
    c = s.client()
    s.line.send("v")
    s.line.expect("mode v")
    c.wait(lambda c: c.width == 1024)
    c.socket.sendall(struct.pack(">BBxx", kind, 255) * 2 + bytes([kind]))
    time.sleep(0.2)
    c.socket.sendall(struct.pack(">Bxx", 2))
    s.line.send("e")
    s.line.expect("mode e")
    drawn = pictures.drawn("e")
    for client in c, s.client():
        client.wait(lambda c: (c.width, c.height, c.pixels) == drawn)
    s.line.to_monitor()
    assert " 3 scalings" in s.line.monitor("info vnc")


UPGRADE = (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
           b"Connection: Upgrade\r\nOrigin: http://evil.example\r\n"
           b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
           b"Sec-WebSocket-Version: 13\r\n\r\n")


def all_of(connection):
    data = b""
    while part := connection.recv(4096):
        data += part
    return data


def test_no_websockets(served):
    """At once, and just when the library looks for one: it never gets in."""
    s = served()
    s.line.expect("uart_echo ready")
    for late in 0, 0.12, 0.15:
        with socket.create_connection(("127.0.0.1", s.port), 20) as c:
            time.sleep(late)
            c.sendall(UPGRADE)
            try:
                said = all_of(c)
            except ConnectionResetError:        # it left it unread
                said = b""
            assert late or said == b""
    s.client().wait(lambda c: (c.width, c.height) == (720, 400))
    s.line.to_monitor()
    assert re.search(r"refused: [1-9]\d* connections",
                     s.line.monitor("info vnc"))


@pytest.mark.parametrize("seed", range(4))
def test_hostile_clients(served, seed):
    """Nonsense and halves of messages at any time, and too many at once."""
    rng = random.Random(seed)
    s = served()
    s.line.expect("uart_echo ready")
    s.line.to_monitor()
    sockets = []
    for i in range(24):
        if i % 3 == 0 and len(s.clients) < 3:
            c = s.client()
            sockets.append(c.socket)
            c.socket.sendall(bytes([rng.choice((0, 2, 3, 4, 5, 6, 8, 15, 250,
                                                251, 255))]) +
                             rng.randbytes(rng.randrange(40)))
        else:
            c = socket.create_connection(("127.0.0.1", s.port), 20)
            sockets.append(c)
            c.sendall(rng.choice((b"", b"RFB 003.008\n\1", b"GET / HTTP/1.1",
                                  b"RFB 003.003\n", b"\x16\3\1")) +
                      rng.randbytes(rng.randrange(40)))
    assert re.search(r"refused: [1-9]\d* connections",
                     s.line.monitor("info vnc"))
    s.line.to_console()
    s.line.send("alive")
    s.line.expect("alive")
    for c in sockets:
        c.close()
    s.line.to_monitor()
    end = time.time() + 30
    while "Client:" in s.line.monitor("info vnc"):
        assert time.time() < end
        time.sleep(0.2)
    c = s.client()
    c.wait(lambda c: (c.width, c.height) == (720, 400))


def test_password(served):
    s = served(more=",password")
    s.line.expect("uart_echo ready")
    with pytest.raises(rfb.Refused):    # nobody knows it
        s.client("")
    s.line.to_monitor()
    assert "up to 8 characters" in s.line.monitor("set_password vnc 123456789")
    s.line.monitor("set_password vnc secret")
    for wrong in "", "Secret", "secret1":
        with pytest.raises(rfb.Refused):
            s.client(wrong)
    s.client("secret").wait(lambda c: c.width == 720)
    s.line.send("change vnc password\r")
    s.line.expect("Password: ")
    s.line.send("other\r")
    s.line.expect(r"\(trestle\) ")
    assert s.line.before.strip() == ""  # nothing of it is shown
    with pytest.raises(rfb.Refused):
        s.client("secret")
    s.client("other").wait(lambda c: c.width == 720)
    text = s.line.monitor("info vnc")
    assert "    Auth: vnc (Sub: none)\n" in text
    assert "5 passwords" in text
    assert s.line.monitor("change vnc password x") == ""


def listeners(port):
    """The addresses at which somebody listens there."""
    lines = pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]
    return [line.split()[1].split(":")[0] for line in lines
            if line.split()[3] == "0A" and
            int(line.split()[1].split(":")[1], 16) == port]


def test_binding(served, trestle, guest):
    s = served()
    assert listeners(s.port) == ["0100007F"]
    other = trestle("-vnc", f":{s.number}", "-hda", guest("count"))
    assert other.ends() == 1
    assert (f"-vnc: cannot listen at 127.0.0.1, port {s.port}: Address already"
            in other.before)
    other = trestle("-display", f"vnc=:{s.number},to={s.number + 50}", "-hda",
                    guest("count"))
    port = int(other.expect(r"VNC server at 127\.0\.0\.1:(\d+) ")[1])
    assert s.port < port <= s.port + 50
    number = free_display()
    other = trestle("-vnc", f"0.0.0.0:{number}", "-snapshot", "-hda",
                    guest("tally"))
    other.expect("VNC server at 0.0.0.0")
    assert listeners(PORT + number) == ["00000000"]


@pytest.mark.skipif(not pathlib.Path("/proc/net/if_inet6").exists(),
                    reason="no IPv6 here")
def test_ipv6(trestle, guest):
    number = free_display()
    t = trestle("-vnc", f"[::1]:{number}", "-hda", guest("count"))
    t.expect(rf"VNC server at ::1:{PORT + number} \(ipv6\)")
    with socket.create_connection(("::1", PORT + number), 20) as viewer:
        assert viewer.recv(12, socket.MSG_WAITALL) == b"RFB 003.008\n"


def test_terminal_is_left_alone(trestle, guest):
    """Without -nographic: keys go nowhere, Ctrl-c ends it."""
    number = free_display()
    t = trestle("-m", 16, "-hda", guest("uart_echo"), "-vnc", f":{number}",
                line=False)
    t.expect("VNC server at")
    c = rfb.Rfb(PORT + number)
    c.wait(lambda c: c.width == 720)
    assert t.silent("uart_echo ready")
    t.send("x\x03")
    t.ends()
    c.close()


@pytest.mark.parametrize("value, why", [
    ("1", r"use \[HOST\]:N"), (":", "the display's number is"),
    (":x", "the display's number is"), (":59636", "the display's number is"),
    (":1,to=0", "to= is less"), (":1,sasl", "only to=N and password may"),
    ("no.such.host.invalid:1", "-vnc no.such.host.invalid: ")])
def test_refused(trestle, guest, value, why):
    t = trestle("-m", 16, "-hda", guest("uart_echo"), "-vnc", value)
    assert t.ends() == 1
    assert re.search(why, t.before), t.before


def test_none(trestle, guest):
    t = trestle("-m", 16, "-hda", guest("uart_echo"), "-vnc", "none")
    t.expect("uart_echo ready")
    t.to_monitor()
    assert t.monitor("info vnc") == "None: there is no VNC server (-vnc)\n"
