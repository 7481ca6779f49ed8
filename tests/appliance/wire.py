"""The far end of a QEMU NIC: frames, each behind its length, on a socket."""
import socket
import struct
import time

PEER = bytes.fromhex("020000000001")
BROADCAST = b"\xff" * 6
EXPERIMENT = b"\x88\xb5"                # IEEE 802 local experimental


def frame(to, number, length=60, sender=PEER, kind=EXPERIMENT):
    """A frame without FCS, recognisable by `number`."""
    head = to + sender + kind + struct.pack(">I", number)
    return (head + bytes((number + i) & 255 for i in range(length)))[:length]


class Wire:
    """QEMU connects to it: pass `qemu(model)` as its arguments."""

    def __init__(self, folder, name="w0"):
        self.name = name
        self.path = str(folder / name)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(1)
        self.socket = None
        self.waiting = b""

    def qemu(self, model):
        return ("-netdev", f"stream,id={self.name},server=off,addr.type=unix,"
                f"addr.path={self.path}",
                "-device", f"{model},netdev={self.name},id=nic-{self.name}")

    def connected(self, timeout=20):
        if not self.socket:
            self.listener.settimeout(timeout)
            self.socket = self.listener.accept()[0]
        return self.socket

    def send(self, data):
        self.connected().sendall(struct.pack(">I", len(data)) + data)

    def receive(self, timeout=20):
        """The next frame, or None if none comes within `timeout`."""
        end = time.monotonic() + timeout
        while True:
            size = struct.unpack(">I", self.waiting[:4])[0] \
                if len(self.waiting) >= 4 else None
            if size is not None and len(self.waiting) >= 4 + size:
                data = self.waiting[4:4 + size]
                self.waiting = self.waiting[4 + size:]
                return data
            self.connected().settimeout(max(end - time.monotonic(), 0.01))
            try:
                more = self.socket.recv(65536)
            except TimeoutError:
                return None
            assert more, "QEMU is gone"
            self.waiting += more

    def echoes(self, frames, window=4):
        """Send `frames`, so many under way at most; what came back."""
        got = []
        for i, data in enumerate(frames):
            self.send(data)
            if i >= window:
                got.append(self.receive())
        while len(got) < len(frames):
            got.append(self.receive())
        return got

    def echoed(self, mac, number, timeout):
        """Whether a guest that echoes answers frame `number` in time."""
        self.send(frame(mac, number))
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            data = self.receive(end - time.monotonic())
            if data and data[12:] == frame(mac, number)[12:] and \
                    data[6:12] == mac:
                return True
        return False

    def close(self):
        if self.socket:
            self.socket.close()
        self.listener.close()
