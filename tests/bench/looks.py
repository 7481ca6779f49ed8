"""What the appliance counted, by its monitor: looks, and their differences."""
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "appliance"))

from console import ESCAPE, monitor, to_monitor     # noqa: E402

# The name here, the monitor's command, and the figure in its answer.
FIGURES = {
    "ns": ("info cpus", r"busy in the last (\d+\.\d+) s"),
    "busy": ("info cpus", r"(?m)^0 +(\d+\.\d) %"),
    "to_guest": ("info network", r"(?s)  ne2000 .*? out=(\d+) "),
    "from_guest": ("info network", r"(?s)  ne2000 .*? in=(\d+) "),
    "bytes_to_guest": ("info network", r"(?s)  ne2000 .*? out=\d+ \((\d+)"),
    "bytes_from_guest": ("info network", r"(?s)  ne2000 .*? in=\d+ \((\d+)"),
    "exits": ("info engine", r"(\d+) entries into the guest"),
    "native_ticks": ("info engine", r"(\d+) ticks of the TSC in the guest"),
    "exit_ticks": ("info engine", r"(\d+) ticks of the TSC at exits"),
    "interpreted": ("info engine", r"(\d+) instructions interpreted"),
}
CAUSES = ("port", "memory", "HLT", "host interrupt", "interrupt window")
FIGURES |= {cause: ("info engine", rf"(?m)^ *(\d+) {cause}\r?$")
            for cause in CAUSES}
SINCE_LAST = {"ns", "busy"}     # the others count from the start
DROPS = re.compile(r"\b((?:in|out|nic|rx|tx)_(?:no_memory|guest_full|nic_full|"
                   r"link_down|ring_full|rx_no_buffer|rx_errors|tx_ring_full|"
                   r"lost|refused))=(\d+)")


class Monitor:
    """The monitor of an appliance whose console is shown."""

    def __init__(self, appliance):
        self.appliance = appliance

    def ask(self, *commands):
        """The monitor's answers; the focus goes there and back."""
        to_monitor(self.appliance)
        answers = [monitor(self.appliance, command) for command in commands]
        self.appliance.send(ESCAPE + "c")
        return answers

    def look(self):
        """All FIGURES that there are (interp has no `info engine`)."""
        commands = sorted({command for command, _ in FIGURES.values()})
        answers = dict(zip(commands, self.ask(*commands)))
        look = {}
        for name, (command, pattern) in FIGURES.items():
            if found := re.search(pattern, answers[command]):
                look[name] = float(found[1])
            elif name in CAUSES:        # none so far
                look[name] = 0
        look["ns"] *= 1e9
        look["lost"] = sum(int(n) for _, n in
                           DROPS.findall(answers["info network"]))
        return look


def between(earlier, later):
    return {name: value if name in SINCE_LAST else value - earlier[name]
            for name, value in later.items()}


def frames(d):
    return d["to_guest"] + d["from_guest"]


def all_a_frame(d):
    """Instructions of host and guest while not asleep."""
    return d["ns"] * d["busy"] / 100 / frames(d)


# ---- Frames under svm: one line of a table each ------------------------------

HEAD = ("| transfer | MB | frames to guest, from it | exits a frame | "
        "instructions at an exit | interpreted a frame | natively a frame | "
        "all a frame | lost |\n|---|---|---|---|---|---|---|---|---|")


def row(name, d):
    """Between two looks, in -icount shift=0: a tick is an instruction."""
    n = frames(d)
    size = (d["bytes_to_guest"] + d["bytes_from_guest"]) / 1e6
    cells = [name, f"{size:.1f}",
             f"{d['to_guest']:.0f}, {d['from_guest']:.0f}", "", "", "", "",
             f"{all_a_frame(d):.0f}", f"{d['lost']:.0f}"]
    if "exits" in d:
        cells[3:7] = [f"{d['exits'] / n:.1f}",
                      f"{d['exit_ticks'] / d['exits']:.0f}",
                      f"{d['interpreted'] / n:.0f}",
                      f"{d['native_ticks'] / n:.0f}"]
    return "| " + " | ".join(cells) + " |"


def causes_row(name, d):
    return "| " + " | ".join([name, *(f"{d[cause] / frames(d):.2f}"
                                      for cause in CAUSES)]) + " |"


CAUSES_HEAD = ("| exits a frame | " + " | ".join(CAUSES) + " |\n|---" +
               "|---" * len(CAUSES) + "|")
