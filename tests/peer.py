"""Who is at the other end of a serial port: sockets, terminals, telnet."""
import os
import select
import socket
import time

IAC, BREAK, WILL, DO = 255, 243, 251, 253
OFFER = bytes([IAC, WILL, 1, IAC, WILL, 3, IAC, WILL, 0, IAC, DO, 0])
BINARY = bytes([IAC, DO, 0, IAC, WILL, 0])


class Peer:
    """Whoever is at the other end of a descriptor."""

    def __init__(self, fd, owner=None):
        self.fd = fd
        self.owner = owner
        self.data = b""

    def send(self, data):
        while data:
            data = data[os.write(self.fd, data):]

    def more(self, seconds):
        if not select.select([self.fd], [], [], seconds)[0]:
            return False
        data = os.read(self.fd, 65536)
        self.data += data
        return bool(data)

    def expect(self, what, seconds=40):
        """What came up to the end of `what`."""
        end = time.time() + seconds
        while what not in self.data:
            left = end - time.time()
            assert left > 0 and self.more(left), (what, self.data[-400:])
        at = self.data.index(what) + len(what)
        before, self.data = self.data[:at], self.data[at:]
        return before

    def silent(self, what, seconds=0.4):
        end = time.time() + seconds
        while time.time() < end and self.more(end - time.time()):
            pass
        return what not in self.data

    def monitor(self, command):
        self.send(command.encode() + b"\r")
        self.expect(command.encode() + b"\r\n")
        return self.expect(b"(trestle) ")[:-10].decode().replace("\r\n", "\n")


def connect(port):
    """A client; the server may not be there yet."""
    end = time.time() + 20
    while True:
        try:
            s = socket.create_connection(("127.0.0.1", port), 20)
            return Peer(s.fileno(), s)
        except ConnectionRefusedError:
            assert time.time() < end
            time.sleep(0.02)
