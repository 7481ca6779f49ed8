"""A disk with a volatile write cache, and what a cut of power leaves of it.

What was written is read back at once, but is safe only when a flush ended or
it was written with force unit access. At the cut each of the other writes is
kept, lost, or torn at a sector's edge, and those that are kept reach the medium
in any order. Of a sector that was written several times any version may stay,
or what was there at the last flush.
"""
import random
import threading

SECTOR = 512


class Write:
    """One that is not flushed: `data` from `sector` on, less those in
    `settled`, which a forced write overtook."""

    def __init__(self, sector, data):
        self.sector = sector
        self.data = data
        self.settled = set()

    def sectors(self):
        return range(self.sector, self.sector + len(self.data) // SECTOR)

    def of(self, sector):
        at = (sector - self.sector) * SECTOR
        return self.data[at:at + SECTOR]


class CachedDisk:
    """`data` is what is read; its length is a multiple of 512. Thread-safe."""

    def __init__(self, data, seed=0):
        assert len(data) % SECTOR == 0
        self.data = bytearray(data)
        self.random = random.Random(seed)
        self.lock = threading.Lock()
        self.unflushed = []             # in the order of their arrival
        self.safe = {}                  # sector: its content on the medium
        self.reads = self.writes = self.flushes = 0

    def read(self, offset, length):
        with self.lock:
            self.reads += 1
            return bytes(self.data[offset:offset + length])

    def write(self, offset, data, forced=False):
        """Sectors, whole."""
        assert offset % SECTOR == 0 and len(data) % SECTOR == 0
        with self.lock:
            self.writes += 1
            write = Write(offset // SECTOR, bytes(data))
            if forced:
                self.settle(write.sectors())
            else:
                for sector in write.sectors():
                    if sector not in self.safe:
                        self.safe[sector] = self.sector(sector)
                self.unflushed.append(write)
            self.data[offset:offset + len(data)] = data

    def flush(self):
        with self.lock:
            self.flushes += 1
            self.unflushed.clear()
            self.safe.clear()

    def cut(self):
        """The power goes, and comes: `data` is what is left. Returns how many
        writes were (kept, torn, lost)."""
        with self.lock:
            for sector, data in self.safe.items():
                self.put(sector, data)
            counts = [0, 0, 0]
            # Also the extremes, which choices for each would hardly make.
            weights = self.random.choice(
                ((1, 0, 0), (0, 0, 1), (1, 1, 1), (4, 1, 1), (1, 1, 4)))
            left = list(self.unflushed)
            self.random.shuffle(left)
            for write in left:
                kind = self.random.choices(range(3), weights)[0]
                counts[kind] += 1
                self.leave(write, kind)
            self.unflushed.clear()
            self.safe.clear()
            return tuple(counts)

    def leave(self, write, kind):
        """All of it, some sectors, or none."""
        for sector in write.sectors():
            kept = kind == 0 or (kind == 1 and self.random.random() < 0.5)
            if kept and sector not in write.settled:
                self.put(sector, write.of(sector))

    def settle(self, sectors):
        """What was written there before is nothing any more."""
        for sector in sectors:
            self.safe.pop(sector, None)
        for write in self.unflushed:
            write.settled.update(set(sectors).intersection(write.sectors()))

    def sector(self, number):
        return bytes(self.data[number * SECTOR:(number + 1) * SECTOR])

    def put(self, number, data):
        self.data[number * SECTOR:(number + 1) * SECTOR] = data
