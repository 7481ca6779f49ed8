"""The NIC models of QEMU that have a driver, and what a test needs of them."""
import contextlib
import socket
import threading

from lan import TAP
from wire import BROADCAST, Wire

# QEMU's model: what the console calls it.
NICS = {
    "e1000": "e1000 8086:100e",
    "e1000e": "e1000e 8086:10d3",
    "rtl8139": "rtl8139cp 10ec:8139",
    "ne2k_pci": "ne2k_pci 10ec:8029",
    "pcnet": "pcnet32 1022:2000",
    "i82557b": "eepro100 8086:1229",
    "i82559er": "eepro100 8086:1209",
    "virtio-net-pci,disable-modern=on": "virtio 1af4:1000",
    "virtio-net-pci,disable-legacy=on": "virtio 1af4:1041",
    "vmxnet3": "vmxnet3 15ad:07b0",
}
# Models that tell of it when QEMU's set_link takes the link down.
WITH_LINK = [model for model, name in NICS.items()
             if name.split()[0] not in ("ne2k_pci", "eepro100")]
MULTICAST = bytes.fromhex("01005e000001")


class HubWire(Wire):
    """A wire on one hub with a LAN's TAP and the NIC, "nic0"."""

    def __init__(self, folder):
        super().__init__(folder)
        self.monitor = folder / "monitor"

    def qemu(self, model):
        hub = [("-netdev", f"hubport,id=hub-{net},hubid=0,netdev={net}")
               for net in ("tap", self.name)]
        return ("-netdev", f"tap,id=tap,ifname={TAP},script=no,downscript=no",
                "-netdev", f"stream,id={self.name},server=off,addr.type=unix,"
                f"addr.path={self.path}", *hub[0], *hub[1],
                "-netdev", "hubport,id=hub-nic,hubid=0",
                "-device", f"{model},netdev=hub-nic,id=nic0",
                "-monitor", f"unix:{self.monitor},server=on,wait=off")

    def set_link(self, state):
        qemu_monitor(self.monitor, f"set_link nic0 {state}")

    @contextlib.contextmanager
    def drained(self):
        """Meanwhile, whatever the hub sends here is thrown away."""
        done = threading.Event()

        def drain():
            while not done.is_set():
                self.receive(0.05)

        drainer = threading.Thread(target=drain, daemon=True)
        self.connected()
        drainer.start()
        try:
            yield
        finally:
            done.set()
            drainer.join(60)

    def send_all(self, frames):
        """Send them all, whatever comes back meanwhile. Returns how many."""
        count = 0
        with self.connected().dup() as out, self.drained():
            out.settimeout(60)
            for data in frames:
                out.sendall(len(data).to_bytes(4, "big") + data)
                count += 1
        return count


def qemu_monitor(path, command):
    """A command to QEMU's own monitor; returns when it is done."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(10)
        s.connect(str(path))
        reply = b""
        s.sendall(command.encode() + b"\n")
        while reply.count(b"(qemu)") < 2:
            reply += s.recv(4096)


def targets(lan, mac, address):
    """The MACs for hostile frames: the guest's, Trestle's, everybody's."""
    entry = lan.run("ip", "neigh", "show", address, text=True).stdout.split()
    own = bytes.fromhex(entry[entry.index("lladdr") + 1].replace(":", ""))
    return [mac, own, BROADCAST, MULTICAST, b"\0" * 6]


def link_goes_and_comes(appliance, wire, mac, is_told):
    wire.set_link("off")
    if is_told:
        appliance.expect("link down")
    assert not wire.echoed(mac, 1, 0.5)
    wire.set_link("on")
    if is_told:
        appliance.expect("link up")
    assert wire.echoed(mac, 2, 20)
