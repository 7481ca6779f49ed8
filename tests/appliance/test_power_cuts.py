"""Cuts of the power while a guest writes to a disk of the PC's own, from which
the appliance boots: a few of many (long_power_cuts.py)."""
from cuts import cut_rounds


def test_flushed_content_outlives_cuts(tmp_path):
    assert sum(cut_rounds("ahci", tmp_path, 2)) >= 2
