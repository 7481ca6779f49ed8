"""-net socket on the appliance: TCP of its own, by lwIP, on a LAN of QEMU's.

The LAN is QEMU's user network, whose 10.0.2.2 is this host's loopback.
"""
import socket
import struct

from console import ask_monitor
from guests import boot_guest, echoed, guest_mac
from together import free_port
from wire import BROADCAST, PEER, frame

LENGTHS = [*range(60, 1515, 13), 1514]


class Stream:
    """The other end of a tunnel."""

    def __init__(self, connection):
        self.socket = connection
        self.socket.settimeout(60)

    def send(self, data):
        self.socket.sendall(struct.pack(">I", len(data)) + data)

    def exactly(self, n):
        data = b""
        while len(data) < n:
            more = self.socket.recv(n - len(data))
            assert more, "the appliance has closed"
            data += more
        return data

    def receive(self):
        return self.exactly(struct.unpack(">I", self.exactly(4))[0])


def test_both_directions(boot):
    """It connects, and is connected to; both and the guest are one LAN."""
    port = free_port()
    with socket.create_server(("127.0.0.1", 0)) as server:
        back = server.getsockname()[1]
        server.settimeout(120)
        appliance = boot_guest(
            boot, "ne2k_echo", "-net nic -net socket,listen=:5000 "
            f"-net socket,connect=10.0.2.2:{back} "
            "-net bridge,vlan=1,ip=10.0.2.15/24",
            net=("-netdev", "user,id=u,"
                 f"hostfwd=tcp:127.0.0.1:{port}-10.0.2.15:5000",
                 "-device", "e1000,netdev=u"), limit=300)
        called = Stream(server.accept()[0])
    caller = Stream(socket.create_connection(("127.0.0.1", port), 60))
    mac = guest_mac(appliance)
    for number, length in enumerate(LENGTHS):
        sent = frame(mac, number, length)
        caller.send(sent)
        assert caller.receive() == echoed(sent)
    # From one tunnel into the other, behind what was flooded at first.
    caller.send(frame(BROADCAST, 1))
    while (got := called.receive()) != frame(BROADCAST, 1):
        assert got == frame(mac, 0)
    assert caller.receive()[:12] == PEER + mac
    # Many at once: more than a window.
    burst = [frame(mac, n, 1514) for n in range(100)]
    for f in burst:
        caller.send(f)
    assert caller.receive() == echoed(burst[0])
    # It ends and comes again.
    called.socket.close()
    appliance.expect("the peer has gone")
    caller.send(struct.pack(">I", 0xffffffff))
    caller.socket.sendall(b"\xff" * 8)
    appliance.expect("impossible length")
    network = ask_monitor(appliance, "info network")
    assert "tunnel_bad_length=1" in network
