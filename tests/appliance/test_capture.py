"""A capture in the appliance's memory, fetched over the serial line."""
from scapy.utils import rdpcap

from console import monitor, to_monitor
from guests import boot_guest, echoed, guest_mac
from printed import decode
from wire import Wire, frame


def fetch(appliance, name, path):
    text = monitor(appliance, f"capture {name} print")
    path.write_bytes(decode(text))
    return [bytes(p) for p in rdpcap(str(path))]


def check(captured, sent, length=1514):
    """Those frames and what came back, each way in order."""
    for way in (sent, [echoed(f) for f in sent]):
        assert [f for f in captured if f[:6] == way[0][:6]] == [
            f[:length] for f in way]
    assert len(captured) == 2 * len(sent)


def test_capture_over_the_serial_line(boot, tmp_path):
    """From the start by -net dump, and at run time of one NIC."""
    wire = Wire(tmp_path, "w")
    appliance = boot_guest(
        boot, "ne2k_echo", "-net nic -net bridge -net dump,file=x,len=60",
        net=wire.qemu("e1000"), limit=180)
    mac = guest_mac(appliance)
    sent = [frame(mac, n, 60 + 10 * n) for n in range(100)]
    assert wire.echoes(sent[:50]) == [echoed(f) for f in sent[:50]]
    to_monitor(appliance)
    assert monitor(appliance, "capture eth0 on").strip() == ""
    assert wire.echoes(sent[50:]) == [echoed(f) for f in sent[50:]]
    check(fetch(appliance, "eth0", tmp_path / "a.pcap"), sent[50:])
    check(fetch(appliance, "dump.0", tmp_path / "b.pcap"), sent, 60)
    assert "dump.0: vlan=0 maxlen=60 in memory" in monitor(
        appliance, "info capture")
    wire.close()
