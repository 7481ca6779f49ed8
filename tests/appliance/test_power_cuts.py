"""Cuts of the power while a guest writes to a disk of the PC's own: some of
many (long_power_cuts.py)."""
from conftest import make_iso
from cuts import cut_rounds, options, rounds_disk
from guests import image


def test_flushed_content_outlives_cuts(tmp_path):
    medium = make_iso(tmp_path / "medium.iso", options())
    disk = rounds_disk(image("disk_rounds"), 2000, 1)
    assert sum(cut_rounds(disk, "ahci", medium, tmp_path, 2)) >= 2
