#!/usr/bin/env python3
"""Write the symbol table that a panic's backtrace uses.

usage: symtab.py ELF > symtab.S      table of ELF's functions
       symtab.py --empty > symtab.S     for the first link
       symtab.py --check A B         fail unless both have the same functions

The table is linked behind everything else, so linking a second time with the
real table moves no function; --check proves it. nm must be in the path.
"""
import subprocess
import sys


def functions(elf):
    """[(address, name)] of the text symbols, sorted, one per address."""
    out = subprocess.run(["nm", "-n", elf], check=True, text=True,
                         capture_output=True).stdout
    found = {}
    for line in out.splitlines():
        parts = line.split()
        if len(parts) == 3 and parts[1] in "tTwW" and int(parts[0], 16) >> 63:
            # A global name says more than a local label at the same address.
            if parts[0] not in found or parts[1] in "TW":
                found[parts[0]] = parts[2]
    return [(int(a, 16), n) for a, n in found.items()]


def write(symbols):
    print('        .section .symtab_data, "a"')
    print("        .globl symtab_count, symtab_entries, symtab_names")
    print("        .balign 8")
    print(f"symtab_count:\n        .quad {len(symbols)}")
    print("symtab_entries:")
    offset = 0
    for address, name in symbols:
        print(f"        .long {address & 0xffffffff:#x}, {offset}")
        offset += len(name) + 1
    print("symtab_names:")
    for _, name in symbols:
        print(f'        .asciz "{name}"')
    print('        .section .note.GNU-stack, "", @progbits')


def main(argv):
    if len(argv) == 4 and argv[1] == "--check":
        if functions(argv[2]) != functions(argv[3]):
            sys.exit("symtab.py: functions moved between the two links")
    elif len(argv) == 2:
        write([] if argv[1] == "--empty" else functions(argv[1]))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv)
