#!/usr/bin/env python3
"""Copy kernel modules with everything they depend on, and write the index files modprobe reads.

usage: modules.py --list  KERNEL_TREE NAME...        print the paths, dependencies first
       modules.py --copy  KERNEL_TREE DEST NAME...   copy flat into DEST, write modules.dep and modules.alias

KERNEL_TREE is the unpacked .../lib/modules/VERSION directory. The package holds no modules.dep (depmod writes it
when the package is installed), and depmod itself is not everywhere, so the dependencies are taken from the
modules' own .modinfo strings.
"""
import os
import shutil
import struct
import sys


def modinfo(path):
    """Return the .modinfo strings of an ELF32 little-endian module as a list of (key, value)."""
    with open(path, "rb") as f:
        data = f.read()
    if data[:6] != b"\x7fELF\x01\x01":
        sys.exit(f"modules.py: {path} is not a 32-bit ELF file")
    shoff, = struct.unpack_from("<I", data, 32)
    shentsize, shnum, shstrndx = struct.unpack_from("<HHH", data, 46)

    def section(i):
        name, _, _, _, offset, size = struct.unpack_from("<6I", data, shoff + i * shentsize)
        return name, offset, size

    names = section(shstrndx)[1]
    for i in range(shnum):
        name, offset, size = section(i)
        end = data.index(b"\0", names + name)
        if data[names + name:end] == b".modinfo":
            strings = data[offset:offset + size].split(b"\0")
            return [tuple(s.decode("latin-1").split("=", 1)) for s in strings if b"=" in s]
    return []


def canonical(name):
    return name.replace("-", "_")


def index_tree(tree):
    found = {}
    for directory, _, files in os.walk(os.path.join(tree, "kernel")):
        for name in files:
            if name.endswith(".ko"):
                found[canonical(name[:-3])] = os.path.join(directory, name)
    return found


def closure(available, wanted):
    """Ordered dict name -> (path, direct dependencies), each module after what it needs."""
    done = {}

    def visit(name, chain):
        if name in done:
            return
        if name not in available:
            sys.exit(f"modules.py: no module {name} (wanted by {' <- '.join(reversed(chain)) or 'the list'})")
        depends = dict(modinfo(available[name])).get("depends", "")
        needs = [canonical(d) for d in depends.split(",") if d]
        for need in needs:
            visit(need, chain + [name])
        done[name] = (available[name], needs)

    for name in wanted:
        visit(canonical(name), [])
    return done


def all_needs(done, name):
    """Everything NAME needs, in modprobe's order: the nearest first."""
    result = []

    def walk(n):
        for need in done[n][1]:
            walk(need)
            if need not in result:
                result.append(need)

    walk(name)
    return list(reversed(result))


def main():
    if len(sys.argv) < 4 or sys.argv[1] not in ("--list", "--copy"):
        sys.exit(__doc__)
    if sys.argv[1] == "--list":
        for path, _ in closure(index_tree(sys.argv[2]), sys.argv[3:]).values():
            print(path)
        return

    tree, dest, wanted = sys.argv[2], sys.argv[3], sys.argv[4:]
    done = closure(index_tree(tree), wanted)
    os.makedirs(dest, exist_ok=True)
    with open(os.path.join(dest, "modules.dep"), "w") as dep, \
            open(os.path.join(dest, "modules.alias"), "w") as alias:
        for name, (path, _) in done.items():
            shutil.copy(path, dest)
            needs = [os.path.basename(done[n][0]) for n in all_needs(done, name)]
            dep.write(f"{os.path.basename(path)}: {' '.join(needs)}".rstrip() + "\n")
            for key, value in modinfo(path):
                if key == "alias":
                    alias.write(f"alias {value} {name}\n")


main()
