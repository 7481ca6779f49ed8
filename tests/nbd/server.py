"""An NBD server for a CachedDisk, on 127.0.0.1, for one client at a time.

The NBD project's doc/proto.md: fixed newstyle negotiation, simple replies;
READ, WRITE, FLUSH, DISC, and FUA. No multi-connection, no structured replies.
"""
import errno
import socket
import struct
import threading

from nbd.cached_disk import SECTOR

MAGIC = b"NBDMAGIC"
OPTION_MAGIC = b"IHAVEOPT"
REPLY_MAGIC = 0x3e889045565a9
REQUEST_MAGIC = 0x25609513
SIMPLE_REPLY_MAGIC = 0x67446698
FIXED_NEWSTYLE, NO_ZEROES = 1, 2        # handshake flags, both sides'
EXPORT_NAME, ABORT, LIST, INFO, GO = 1, 2, 3, 6, 7
ACK, REPLY_SERVER, REPLY_INFO = 1, 2, 3
UNSUPPORTED, INVALID = 0x80000001, 0x80000003
INFO_EXPORT, INFO_BLOCK_SIZE = 0, 3
HAS_FLAGS, SEND_FLUSH, SEND_FUA = 1, 4, 8
READ, WRITE, DISC, FLUSH = 0, 1, 2, 3
FUA = 1
LONGEST = 32 << 20                      # bytes of a request
LONGEST_OPTION = 8192


class Ended(Exception):
    """The client is gone, or said something that ends the connection."""


class NbdServer:
    """Serves until `close`, or until the power is cut; then `is_cut` is set,
    `left` says what became of the unflushed writes, and nobody is answered any
    more."""

    def __init__(self, disk):
        self.disk = disk
        self.is_cut = threading.Event()
        self.left = None
        self.until_cut = None           # write requests
        self.client = None
        self.lock = threading.RLock()   # of what is answered, and the cut
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """What is unflushed stays so."""
        with self.lock:
            hang_up(self.listener)
            if self.client:
                hang_up(self.client)
        self.thread.join(10)
        assert not self.thread.is_alive()
        self.listener.close()

    def cut(self):
        """Cut the power now."""
        with self.lock:
            if not self.is_cut.is_set():
                self.left = self.disk.cut()
                self.is_cut.set()
            hang_up(self.listener)
            if self.client:
                hang_up(self.client)

    def cut_after(self, writes):
        """Cut it when so many more write requests have come: the last one is
        not answered."""
        with self.lock:
            self.until_cut = writes

    # ---- Connections -------------------------------------------------------

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                self.client = client
                if self.is_cut.is_set():
                    hang_up(client)
            with client, client.makefile("rb") as stream:
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                try:
                    self.negotiate(client, stream)
                    while True:
                        self.request(client, stream)
                except (Ended, OSError):
                    pass
            with self.lock:
                self.client = None

    # ---- Negotiation -------------------------------------------------------

    def negotiate(self, client, stream):
        """Returns when the transmission phase begins."""
        client.sendall(MAGIC + OPTION_MAGIC +
                       struct.pack(">H", FIXED_NEWSTYLE | NO_ZEROES))
        flags, = struct.unpack(">I", take(stream, 4))
        if not flags & FIXED_NEWSTYLE or flags & ~(FIXED_NEWSTYLE | NO_ZEROES):
            raise Ended
        while True:
            magic, option, length = struct.unpack(">8sII", take(stream, 16))
            if magic != OPTION_MAGIC or length > LONGEST_OPTION:
                raise Ended
            data = take(stream, length)
            if option == EXPORT_NAME:
                client.sendall(self.export() + (
                    b"" if flags & NO_ZEROES else bytes(124)))
                return
            if self.option(client, option, data):
                return

    def export(self):
        return struct.pack(">QH", len(self.disk.data),
                           HAS_FLAGS | SEND_FLUSH | SEND_FUA)

    def option(self, client, option, data):
        """True: GO was granted."""
        def reply(kind, payload=b""):
            client.sendall(struct.pack(">QIII", REPLY_MAGIC, option, kind,
                                       len(payload)) + payload)

        if option == ABORT:
            reply(ACK)
            raise Ended
        if option == LIST:
            if data:
                reply(INVALID)
            else:
                reply(REPLY_SERVER, bytes(4))   # the export without a name
                reply(ACK)
        elif option in (INFO, GO):
            if not is_information_request(data):
                reply(INVALID)
                return False
            reply(REPLY_INFO, struct.pack(">H", INFO_EXPORT) + self.export())
            reply(REPLY_INFO, struct.pack(">HIII", INFO_BLOCK_SIZE, SECTOR,
                                          4096, LONGEST))
            reply(ACK)
            return option == GO
        else:
            reply(UNSUPPORTED)
        return False

    # ---- Transmission ------------------------------------------------------

    def request(self, client, stream):
        magic, flags, kind, cookie, offset, length = struct.unpack(
            ">IHHQQI", take(stream, 28))
        if magic != REQUEST_MAGIC or kind == DISC:
            raise Ended
        if kind == WRITE and length > LONGEST:
            raise Ended                 # what follows is not to be found
        data = take(stream, length) if kind == WRITE else b""
        with self.lock:
            if self.is_cut.is_set():
                raise Ended
            error, answer = self.perform(kind, flags, offset, length, data)
            if self.is_cut.is_set():
                raise Ended
            client.sendall(struct.pack(">IIQ", SIMPLE_REPLY_MAGIC, error,
                                       cookie) + answer)

    def perform(self, kind, flags, offset, length, data):
        """(error, what is read)."""
        is_transfer = kind in (READ, WRITE)
        if kind not in (READ, WRITE, FLUSH) or flags & ~FUA or (
                is_transfer and (offset % SECTOR or length % SECTOR or
                                 not length or length > LONGEST)):
            return errno.EINVAL, b""
        if is_transfer and offset + length > len(self.disk.data):
            return errno.ENOSPC if kind == WRITE else errno.EINVAL, b""
        if kind == READ:
            return 0, self.disk.read(offset, length)
        if kind == FLUSH:
            self.disk.flush()
            return 0, b""
        self.disk.write(offset, data, bool(flags & FUA))
        if self.until_cut is not None:
            self.until_cut -= 1
            if self.until_cut <= 0:
                self.cut()
        return 0, b""


def take(stream, count):
    data = stream.read(count)
    if len(data) != count:
        raise Ended
    return data


def hang_up(sock):
    """Also where another thread waits for it."""
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        sock.close()                    # it was not connected


def is_information_request(data):
    """INFO's and GO's: a name, then how many kinds of information, and which.
    Any name is this export's."""
    if len(data) < 6:
        return False
    name, = struct.unpack(">I", data[:4])
    if len(data) < name + 6:
        return False
    count, = struct.unpack(">H", data[name + 4:name + 6])
    return len(data) == name + 6 + 2 * count
