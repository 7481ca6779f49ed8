"""The appliance's other serial lines, and serial ports on its LAN."""
import re
import socket

from console import ESCAPE, monitor, to_monitor
from guests import boot_guest
from nics import qemu_monitor
from peer import BINARY, BREAK, IAC, OFFER, Peer, connect
from together import free_port

FORWARDED = (("tcp", 4001), ("udp", 4002), ("tcp", 4003))


def boot_four(boot, options, second, limit=120):
    """COM2 is a telnet server of QEMU's, which knows breaks; the LAN's ports
    are forwarded. -> appliance, the ports of this host."""
    ports = [free_port() for _ in FORWARDED]
    forwards = "".join(f",hostfwd={kind}:127.0.0.1:{p}-10.0.2.15:{there}"
                       for p, (kind, there) in zip(ports, FORWARDED))
    appliance = boot_guest(
        boot, "uart_four", "-net bridge,ip=10.0.2.15/24 " + options,
        serial=("-serial", "chardev:c0", "-serial",
                f"telnet:127.0.0.1:{second},server=on,wait=off"),
        net=("-netdev", "user,id=u" + forwards, "-device", "e1000,netdev=u"),
        limit=limit)
    return appliance, ports


def test_each_at_its_line(boot):
    second = free_port()
    appliance, ports = boot_four(
        boot, "-serial mon:stdio -serial com2,baud=57600 "
        "-serial telnet::4001,server=on,wait=off "
        "-serial udp::0@:4002 "
        "-monitor tcp::4003,server=on,wait=off", second)
    com2 = connect(second)
    com2.expect(OFFER)
    com2.send(BINARY)
    appliance.expect(r"com2: UART at port 2f8h, IRQ 3, 57600 8N1")
    appliance.expect("port 0 ready")
    com2.expect(b"port 1 ready\r\n")
    telnet, mon = connect(ports[0]), connect(ports[2])
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.connect(("127.0.0.1", ports[1]))
    udp = Peer(datagrams.fileno(), datagrams)
    telnet.expect(OFFER)
    telnet.send(BINARY)
    for peer in (com2, telnet, udp):
        data = b"".join(b"%04d," % i for i in range(100))
        peer.send(data)
        assert peer.expect(data[-5:], 60).endswith(data)
    # A divisor of the guest's does not reach the line.
    com2.send(b"\r~d")
    com2.expect(b"slow now\r\n")
    com2.send(b"on it goes")
    com2.expect(b"on it goes")
    # Breaks: of the physical line, and of telnet in both directions.
    for peer in (com2, telnet):
        peer.send(bytes([IAC, BREAK]))
        peer.expect(b"<break>")
    telnet.send(b"\r~b")
    telnet.expect(bytes([IAC, BREAK]))
    # The monitor's own connection, beside the one of the line.
    mon.expect(b"(trestle) ")
    said = mon.monitor("info chardev")
    assert re.search(r"\Acompat_monitor0: filename=tcp:10.0.2.15:4003,server"
                     r"=on <-> 10.0.2.2:\d+\n", said), said
    assert "serial0: filename=mux\nserial1: filename=com2\n" in said
    assert re.search(r"serial3: filename=udp:10.0.2.2:\d+@0.0.0.0:4002\n", said)
    to_monitor(appliance)
    assert "slow now\r\non it goes<break>" in \
        monitor(appliance, "serial_log serial1")
    assert "running" in mon.monitor("info status")
    appliance.send(ESCAPE + "c" + "here\r~p")
    assert appliance.ends() == 0


def test_a_line_has_one_owner(boot):
    appliance = boot_guest(boot, "uart_four", "-serial com1")
    appliance.expect("com1 is in use already; it is the console's")
    appliance.ends()


def test_line_without_an_interrupt(boot):
    """COM3 beside COM1, whose IRQ it has."""
    third = free_port()
    appliance = boot_guest(
        boot, "uart_four", "-serial mon:stdio -serial com3",
        serial=("-serial", "chardev:c0", "-serial", "null", "-serial",
                f"telnet:127.0.0.1:{third},server=on,wait=off"))
    com3 = connect(third)
    com3.expect(OFFER)
    com3.send(BINARY)
    appliance.expect(r"com3: UART at port 3e8h, polled, 115200 8N1")
    com3.expect(b"port 1 ready\r\n")
    data = b"".join(b"%04d," % i for i in range(200))
    com3.send(data)
    assert com3.expect(data[-5:], 60).endswith(data)
    com3.send(bytes([IAC, BREAK]))
    com3.expect(b"<break>")
    to_monitor(appliance)
    said = monitor(appliance, "info chardev")
    assert "lost" not in said, said


def test_console_elsewhere(boot, tmp_path):
    """-uart moves the console, with its breaks; its line is free then."""
    first = free_port()
    qemu = tmp_path / "qemu"
    appliance = boot_guest(
        boot, "uart_four", "-uart port=0x2f8 -serial mon:stdio -serial com1",
        serial=("-serial", f"telnet:127.0.0.1:{first},server=on,wait=off",
                "-serial", "chardev:c0"),
        extra=("-monitor", f"unix:{qemu},server=on,wait=off"))
    com1 = connect(first)
    appliance.expect(r"com1: UART at port 3f8h, IRQ 4")
    com1.expect(b"port 1 ready\r\n", 60)
    appliance.expect("port 0 ready")
    qemu_monitor(qemu, "chardev-send-break c0")
    appliance.expect("<break>")
