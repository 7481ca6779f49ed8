#!/usr/bin/python3
"""Print the line coverage in an `llvm-cov export -summary-only` on stdin."""
import json
import os
import sys

LEAST = 80.0


def main():
    name = sys.argv[1]
    files = json.load(sys.stdin)["data"][0]["files"]
    low = []
    for entry in files:
        path = os.path.relpath(entry["filename"])
        lines = entry["summary"]["lines"]
        print("  %-16s %-24s %5d of %5d lines  %5.1f %%"
              % (name, path, lines["covered"], lines["count"], lines["percent"]))
        if lines["percent"] < LEAST:
            low.append(path)
    if not files:
        sys.exit("%s: covers no file" % name)
    if low:
        sys.exit("%s: below %.0f %%: %s" % (name, LEAST, " ".join(low)))


main()
