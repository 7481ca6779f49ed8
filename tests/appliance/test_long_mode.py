"""64-bit guests: the project's own in long mode, and Debian's amd64 kernel."""
import os
import re
import time

import pytest

from accel import SVM
from conftest import BUILD
from guests import boot_guest
from lan import TAP, Lan
from router import pings, router_address, serve_data, transfers
from shell import PROMPT, Shell

AMD64 = BUILD / "router-amd64.img"


@pytest.mark.parametrize("model", ["trestle64", "qemu64"])
def test_tiny_guest(boot, model):
    """long64.c says what it tries and what each should give."""
    appliance = boot_guest(boot, "long64", f"-cpu {model}", extra=SVM)
    appliance.expect(r"engine svm,")
    appliance.expect(r"long64: (\w+)\s")
    said = appliance.session.before
    assert appliance.session.match[1] == "passed", said
    assert said.count("ok  ") == 16
    assert appliance.ends() == 0


def test_default_model_has_no_long_mode(boot):
    appliance = boot_guest(boot, "long64", extra=SVM)
    appliance.expect(r"engine svm,")
    appliance.expect(r"long64: this CPU has no long mode")
    assert appliance.ends() == 0


def test_refused_without_hardware(boot):
    appliance = boot_guest(boot, "long64", "-cpu trestle64",
                           extra=("-cpu", "qemu64,-svm"))
    appliance.expect(r"no CPU engine: .*svm: this processor has no AMD-V")
    appliance.expect(r"interp: it does not run 64-bit CPUs")


needs_image = pytest.mark.skipif(
    "AMD64_GUEST" not in os.environ,
    reason="make check-amd64 builds the image and runs this")


def boot_amd64(boot, options="", **kwargs):
    appliance = boot("-m 256 -cpu trestle64 -snapshot -hda router-amd64.img "
                     f"-net nic -nographic {options}", ram=1024, extra=SVM,
                     modules=[("router-amd64.img", AMD64.read_bytes())],
                     gzipped=False, **kwargs)
    appliance.expect(r"engine svm,")
    return appliance


@needs_image
def test_debian_amd64(boot, record_property):
    """Debian's kernel and programs of amd64, from the disk to the prompt."""
    appliance = boot_amd64(boot, limit=900)
    start = time.monotonic()
    appliance.expect(r"Please press Enter to activate this console", 800)
    appliance.send("\r")
    appliance.expect(PROMPT, 120)
    seconds = round(time.monotonic() - start, 1)
    record_property("to prompt", seconds)
    print(f"Debian amd64 to its prompt under svm: {seconds} s")
    appliance.send("uname -m; dmesg | grep -c -e BUG: -e 'unchecked MSR'\r")
    appliance.expect(r"x86_64\s+0\s", 60)
    appliance.expect(PROMPT, 60)
    appliance.send("nc -h 2>/dev/null; echo $((6 * 7)) | sha256sum\r")
    appliance.expect("084c799cd551dd1d8d5c5f9a5d593b2e931f5e36122ee5c793c1d08a"
                     "19839cc0", 60)


def link_local(text):
    return re.search(r"inet6 (fe80:[0-9a-f:]+)/64", text)[1]


@needs_image
@pytest.mark.skipif(os.geteuid() != 0, reason="a network namespace needs root")
def test_debian_amd64_on_a_lan(boot, tmp_path, record_property):
    """Lease, pings by IPv4 and IPv6, 10 MB each way with equal hashes."""
    def lap(name, start):
        seconds = round(time.monotonic() - start, 1)
        record_property(name, seconds)
        print(f"Debian amd64 under svm, {name}: {seconds} s")

    with Lan(tmp_path) as lan:
        want = serve_data(lan, tmp_path)
        appliance = boot_amd64(boot, "-net bridge", limit=1500,
                               net=lan.qemu_net("e1000e"), inside=lan.inside)
        appliance.expect(r"Please press Enter to activate this console", 800)
        appliance.send("\r")
        appliance.expect(PROMPT, 120)
        shell = Shell(appliance)
        address = router_address(lan, shell)
        pings(lan, shell, address)
        router = link_local(shell.run(
            "until ip -6 a s br-lan | grep fe80; do sleep 1; done"))
        host = link_local(lan.run("ip", "-6", "addr", "show", "dev", TAP,
                                  text=True).stdout)
        lan.run("ping", "-6", "-c", "3", "-i", "0.5", "-W", "10",
                f"{router}%{TAP}")
        shell.run(f"ping6 -c 3 {host}%br-lan")
        transfers(lan, shell, address, want, lap)
        appliance.send("poweroff\r")
        appliance.expect(r"the guest switched itself off", 300)
        assert appliance.ends() == 0
