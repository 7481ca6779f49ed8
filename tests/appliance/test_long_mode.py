"""64-bit guests: the project's own in long mode, and Debian's amd64 kernel."""
import os
import time

import pytest

from accel import SVM
from conftest import BUILD
from guests import boot_guest
from shell import PROMPT

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


@pytest.mark.skipif("AMD64_GUEST" not in os.environ,
                    reason="make check-amd64 builds the image and runs this")
def test_debian_amd64(boot, record_property):
    """Debian's kernel and programs of amd64, from the disk to the prompt."""
    appliance = boot("-m 256 -cpu trestle64 -snapshot -hda router-amd64.img "
                     "-net nic -nographic", ram=1024, extra=SVM, limit=900,
                     modules=[("router-amd64.img", AMD64.read_bytes())],
                     gzipped=False)
    appliance.expect(r"engine svm,")
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
