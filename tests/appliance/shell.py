"""The router's shell on the serial console."""
import re

PROMPT = r"root@router:\S* ?# "


class Shell:
    def __init__(self, appliance):
        self.appliance = appliance
        self.count = 0

    def run(self, command, timeout=120):
        """Run `command`, which must succeed; returns what it printed."""
        self.count += 1
        # The echo of the line has no number where the shell's answer has one.
        self.appliance.send(f"{command}; echo end-{self.count}-$?-\r")
        # A line that is too long for the shell's terminal goes on below.
        self.appliance.expect(r"[\r\n]*".join(
            map(re.escape, f"end-{self.count}-$?-")) + r"[^\n]*\n")
        text = self.appliance.expect(
            rf"(?s)(.*)end-{self.count}-(\d+)-\r\n", timeout)
        assert text[2] == "0", f"{command}: {text[1]}"
        self.appliance.expect(PROMPT)
        return text[1]
