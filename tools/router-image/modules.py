#!/usr/bin/env python3
"""Copy kernel modules with everything they depend on, and write the index files modprobe reads.

usage: modules.py KERNEL_TREE DEST NAME...    copy flat into DEST, write modules.dep, modules.alias, modules.order

KERNEL_TREE is the unpacked .../lib/modules/VERSION directory. The package holds no modules.dep (depmod writes it
when the package is installed), and depmod itself is not everywhere, so the dependencies are taken from the
modules' own .modinfo strings. modules.order names the files with those first that others need.

The signatures at the modules' ends are left off: checking one costs the guest some 20 million instructions, which is
most of the time between the kernel's start and the prompt. The kernel says once that it is tainted.
"""
import os
import struct
import sys


def modinfo(path):
    """Return the .modinfo strings of a little-endian ELF module as a list of (key, value)."""
    with open(path, "rb") as f:
        data = f.read()
    if data[:6] not in (b"\x7fELF\x01\x01", b"\x7fELF\x02\x01"):
        sys.exit(f"modules.py: {path} is not a little-endian ELF file")
    wide = data[4] == 2
    shoff, = struct.unpack_from("<Q", data, 40) if wide else struct.unpack_from("<I", data, 32)
    shentsize, shnum, shstrndx = struct.unpack_from("<HHH", data, 58 if wide else 46)

    def section(i):
        name, _, _, _, offset, size = struct.unpack_from("<2I4Q" if wide else "<6I", data, shoff + i * shentsize)
        return name, offset, size

    names = section(shstrndx)[1]
    for i in range(shnum):
        name, offset, size = section(i)
        end = data.index(b"\0", names + name)
        if data[names + name:end] == b".modinfo":
            strings = data[offset:offset + size].split(b"\0")
            return [tuple(s.decode("latin-1").split("=", 1)) for s in strings if b"=" in s]
    return []


SIGNATURE_MAGIC = b"~Module signature appended~\n"


def unsigned(data):
    """The module without its signature: ..., signature, struct module_signature (12 bytes), magic."""
    if not data.endswith(SIGNATURE_MAGIC):
        return data
    end = len(data) - len(SIGNATURE_MAGIC) - 12
    length, = struct.unpack_from(">I", data, end + 8)
    return data[:end - length]


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
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    tree, dest, wanted = sys.argv[1], sys.argv[2], sys.argv[3:]
    done = closure(index_tree(tree), wanted)
    os.makedirs(dest, exist_ok=True)
    with open(os.path.join(dest, "modules.dep"), "w") as dep, \
            open(os.path.join(dest, "modules.order"), "w") as order, \
            open(os.path.join(dest, "modules.alias"), "w") as alias:
        for name, (path, _) in done.items():
            base = os.path.basename(path)
            with open(path, "rb") as f, open(os.path.join(dest, base), "wb") as copy:
                copy.write(unsigned(f.read()))
            needs = [os.path.basename(done[n][0]) for n in all_needs(done, name)]
            dep.write(f"{base}: {' '.join(needs)}".rstrip() + "\n")
            order.write(base + "\n")
            for key, value in modinfo(path):
                if key == "alias":
                    alias.write(f"alias {value} {name}\n")


main()
