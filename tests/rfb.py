"""A VNC client (RFB 3.8, RFC 6143) with raw pixels, and no more."""
import socket
import struct
import subprocess
import time

RAW, DESKTOP_SIZE = 0, -223
SHIFT, CTRL, ALT = 0xffe1, 0xffe3, 0xffe9
RETURN, ESCAPE, UP, F2 = 0xff0d, 0xff1b, 0xff52, 0xffbf


def encrypted(password, challenge):
    """By DES with the password as its key, each byte's bits turned round."""
    key = bytes(int(f"{c:08b}"[::-1], 2)
                for c in password.encode().ljust(8, b"\0")[:8])
    return subprocess.run(
        ["openssl", "enc", "-des-ede3", "-nopad", "-K", (key * 3).hex()],
        input=challenge, stdout=subprocess.PIPE, check=True).stdout


class Refused(Exception):
    """By the server, with its words."""


class Rfb:
    def __init__(self, port, password=None, host="127.0.0.1", sizes=True):
        self.socket = socket.create_connection((host, port), 20)
        assert self.take(12) == b"RFB 003.008\n"
        self.socket.sendall(b"RFB 003.008\n")
        kinds = self.take(self.take(1)[0])
        assert list(kinds) == [1 if password is None else 2]
        self.socket.sendall(kinds)
        if password is not None:
            self.socket.sendall(encrypted(password, self.take(16)))
        if self.number(">I"):
            raise Refused(self.take(self.number(">I")).decode())
        self.socket.sendall(b"\1")
        self.width, self.height = self.numbers(">HH")
        self.take(16)
        self.name = self.take(self.number(">I")).decode()
        self.pixels = [0] * (self.width * self.height)
        self.drawn = 0                  # pixels, by all updates
        # 32 bits a pixel: 00RRGGBBh, as screendump's are read.
        self.socket.sendall(struct.pack(
            ">BxxxBBBBHHHBBBxxx", 0, 32, 24, 0, 1, 255, 255, 255, 16, 8, 0))
        encodings = [RAW] + [DESKTOP_SIZE] * sizes
        self.socket.sendall(struct.pack(f">BxH{len(encodings)}i", 2,
                                        len(encodings), *encodings))
        self.request(incremental=False)

    def take(self, count):
        data = b""
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            if not part:
                raise EOFError
            data += part
        return data

    def numbers(self, form):
        return struct.unpack(form, self.take(struct.calcsize(form)))

    def number(self, form):
        return self.numbers(form)[0]

    def request(self, incremental=True):
        self.socket.sendall(struct.pack(">BBHHHH", 3, incremental, 0, 0,
                                        self.width, self.height))

    def update(self, seconds):
        """One update, if it comes in time."""
        self.socket.settimeout(seconds)
        try:
            kind = self.take(1)[0]
        except TimeoutError:
            return False
        finally:
            self.socket.settimeout(20)
        assert kind == 0, kind
        for _ in range(self.numbers(">xH")[0]):
            self.rectangle(*self.numbers(">HHHHi"))
        self.request()
        return True

    def rectangle(self, x, y, width, height, encoding):
        if encoding == DESKTOP_SIZE:
            self.width, self.height = width, height
            self.pixels = [0] * (width * height)
            return
        assert encoding == RAW
        assert x + width <= self.width and y + height <= self.height
        self.drawn += width * height
        data = struct.unpack(f"<{width * height}I", self.take(
            4 * width * height))
        for row in range(height):
            at = (y + row) * self.width + x
            self.pixels[at:at + width] = data[row * width:(row + 1) * width]

    def look(self, seconds=0.3):
        """All that comes within that time."""
        end = time.time() + seconds
        while time.time() < end:
            self.update(max(end - time.time(), 0.01))

    def wait(self, condition, timeout=30):
        end = time.time() + timeout
        while not condition(self):
            self.update(0.1)
            assert time.time() < end
        return self

    def key(self, keysym, down):
        self.socket.sendall(struct.pack(">BBxxI", 4, down, keysym))

    def press(self, *keysyms):
        """Together, released from the last on."""
        for keysym in keysyms:
            self.key(keysym, True)
        for keysym in reversed(keysyms):
            self.key(keysym, False)

    def type(self, text):
        for c in text:
            self.press(RETURN if c == "\r" else ord(c) if ord(c) < 256
                       else 0x1000000 + ord(c))

    def pointer(self, x, y, buttons=0):
        self.socket.sendall(struct.pack(">BBHH", 5, buttons, x, y))

    def console(self, number):
        self.press(CTRL, ALT, ord(str(number)))

    def close(self):
        self.socket.close()
