"""Systems of others that are small: iPXE from the NIC's ROM, GRUB 2 from a CD.

What shows on the VGA is read by the monitor's `info screen`.
"""
import re
import subprocess
import time

from conftest import BUILD

IPXE_ROM = "/usr/lib/ipxe/qemu/pxe-ne2k_pci.rom"
SCRIPT = """#!ipxe
echo script of ${net0/ip}
imgfetch tftp://${next-server}/big.bin || echo failed
imgstat
echo end of the script
prompt
"""


def screen_with(t, pattern, seconds=60):
    """The screen's text, once it has `pattern`. The focus must be there."""
    end = time.time() + seconds
    while not re.search(pattern, text := t.monitor("info screen")):
        assert time.time() < end, text
        time.sleep(0.2)
    return text


def test_ipxe_gets_a_lease_and_a_file(trestle, namespace, tmp_path):
    lan = namespace(120)
    files = tmp_path / "tftp"
    files.mkdir()
    (files / "boot.ipxe").write_text(SCRIPT)
    (files / "big.bin").write_bytes(bytes(range(256)) * 4000)
    lan.dnsmasq(tmp_path, "--enable-tftp", f"--tftp-root={files}",
                "--dhcp-boot=boot.ipxe")
    t = trestle("-m", 32, "-boot", "n", "-net", f"nic,romfile={IPXE_ROM}",
                "-net", f"tap,ifname={lan.tap}", prefix=lan.prefix, limit=110)
    t.expect("link up")
    t.to_monitor()
    text = screen_with(t, r"end of the script", 100)
    assert re.search(r"script of 10\.99\.0\.\d+", text)
    assert re.search(r"big\.bin *: *1024000 bytes", text)
    assert "failed" not in text


def test_grub_rescue_cd_reaches_its_menu(trestle, tmp_path):
    (tmp_path / "cd/boot/grub").mkdir(parents=True)
    (tmp_path / "cd/boot/grub/grub.cfg").write_text(
        "serial --unit=0 --speed=115200\n"
        "terminal_output serial console\nterminal_input serial console\n"
        "menuentry 'First of two' { echo the first; halt }\n"
        "menuentry 'Second of two' { echo the second; halt }\n")
    iso = tmp_path / "grub.iso"
    subprocess.run(["grub-mkrescue", "-d", "/usr/lib/grub/i386-pc",
                    "--locales=", "--fonts=", "--themes=", "-o", iso,
                    tmp_path / "cd"], check=True, capture_output=True)
    t = trestle("-m", 64, "-cdrom", iso, "-boot", "d", limit=120)
    t.expect("First of two")
    t.to_monitor()
    screen_with(t, r"First of two[\s\S]*Second of two")
    t.to_console()
    t.send("\x0e\r")                # down, enter
    t.expect("the second")
    assert t.ends() == 0
