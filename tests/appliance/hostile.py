"""Frames that no friend sends: for whatever hangs on a bridge.

Each maker takes `rng`, the MACs `to` that frames may be for and the IPv4
address `ip` of a host among them; frames may be cut off or too long, but are
never empty: QEMU would wait for ever until somebody has taken nothing.
"""
import struct

from scapy.layers.inet import IP
from scapy.utils import checksum

LONGEST = 9000
SENDER = bytes.fromhex("02bad0000001")
IPV4, ARP, TAG, QINQ = 0x0800, 0x0806, 0x8100, 0x88a8


def ethernet(to, kind, body, sender=SENDER):
    return to + sender + struct.pack(">H", kind) + body


def of_length(rng, to, _ip, length):
    """So many random bytes behind addresses that reach somebody."""
    head = rng.choice(to) + SENDER
    return (head + rng.randbytes(max(length - 12, 0)))[:length]


def ipv4(rng, ip, body, **fields):
    """A packet whose header has random faults; `fields` are kept."""
    faults = {
        "version": rng.choice([4, 4, 4, 0, 6, 15]),
        "ihl": rng.choice([5, 5, 0, 4, 6, 15]),
        "len": rng.choice([20 + len(body), 0, 19, 21, 1500, 65535]),
        "frag": 0, "flags": 0, "proto": rng.choice([1, 2, 6, 17, 41, 255]),
        "ttl": rng.choice([0, 1, 64]),
        "src": rng.choice(["0.0.0.0", "255.255.255.255", "127.0.0.1",
                           "224.0.0.1", ip, "10.77.0.1"]), "dst": ip,
    } | fields
    packet = bytes(IP(**faults, chksum=0))[:20] + body
    if rng.random() < 0.8:
        packet = (packet[:10] + struct.pack(">H", checksum(packet[:20])) +
                  packet[12:])
    return packet


def bad_header(rng, to, ip):
    body = rng.randbytes(rng.choice([0, 1, 7, 8, 20, 60, 1480]))
    return ethernet(rng.choice(to), IPV4, ipv4(rng, ip, body))


def fragment(rng, to, ip):
    """Overlapping, tiny, without a beginning, past 65535 bytes."""
    body = rng.randbytes(rng.choice([0, 8, 9, 24, 800, 1480]))
    return ethernet(rng.choice(to), IPV4, ipv4(
        rng, ip, body, version=4, ihl=5, len=20 + len(body), ttl=64,
        src=f"10.77.0.{rng.randrange(200, 255)}", id=rng.randrange(8),
        frag=rng.choice([0, 1, 2, 100, 8189, 8191]),
        flags=rng.choice([0, 1, 1, 3]), proto=rng.choice([1, 17])))


def bad_arp(rng, to, ip):
    """Wrong sizes, cut off."""
    address = bytes(map(int, ip.split(".")))
    body = struct.pack(">HHBBH", rng.choice([1, 0, 65535]), IPV4,
                       rng.choice([6, 6, 0, 255]), rng.choice([4, 4, 0, 255]),
                       rng.choice([1, 2, 0, 65535]))
    # A valid one of a host that is in use would take its place, as ARP is.
    nobody = address[:3] + bytes([rng.randrange(200, 255)])
    body += SENDER + nobody + b"\0" * 6 + address
    return ethernet(rng.choice(to), ARP, body[:rng.randrange(len(body) + 1)])


def tagged(rng, to, ip):
    """VLAN tags, up to eight, before anything or before nothing."""
    tags = b"".join(struct.pack(">HH", rng.choice([TAG, QINQ]),
                                rng.randrange(65536))
                    for _ in range(rng.randrange(8)))
    body = tags + rng.choice([b"", b"\x81\x00", b"\x08\x00" + ipv4(
        rng, ip, rng.randbytes(rng.randrange(64)))])
    return ethernet(rng.choice(to), TAG, rng.randbytes(2) + body)


def stranger(rng, to, _ip):
    """A sender that nobody heard of, or that cannot be one.

    None that somebody has: bridges would believe that it has moved."""
    sender = rng.choice([rng.randbytes(6), b"\xff" * 6, b"\0" * 6])
    return ethernet(rng.choice(to), rng.randrange(65536), b"\0" * 46, sender)


KINDS = [bad_header, fragment, bad_arp, tagged, stranger]


def mixture(rng, to, ip, count):
    """`count` frames of every kind and of random lengths."""
    for _ in range(count):
        kind = rng.choice([*KINDS, None])
        yield (kind(rng, to, ip) if kind else
               of_length(rng, to, ip, rng.randint(1, LONGEST)))


def every_length(rng, to, ip, step_above=1):
    """1 to LONGEST bytes; above 1600 each `step_above`-th length only."""
    for length in [*range(1, 1600), *range(1600, LONGEST + 1, step_above)]:
        yield of_length(rng, to, ip, length)


def flood(rng, to, count):
    """The smallest frames there are, as fast as the wire takes them."""
    frames = [ethernet(t, 0x88b5, b"\0" * 46) for t in to]
    for _ in range(count):
        yield rng.choice(frames)
