"""The router's shell on the serial console."""

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
        self.appliance.expect(rf"end-{self.count}-\$\?-[^\n]*\n")
        text = self.appliance.expect(
            rf"(?s)(.*)end-{self.count}-(\d+)-\r\n", timeout)
        assert text[2] == "0", f"{command}: {text[1]}"
        self.appliance.expect(PROMPT)
        return text[1]
