#!/usr/bin/env python3
"""Makes the synthetic rate traces of this folder.

Each is a first-order autoregressive process of the logarithm of the rate on a
grid of 200 ms, interrupted by outages: a Poisson process of gaps with lognormal
lengths. The figures come from measured traces of the same kind (median rate,
coefficient of variation, autocorrelation at 1 s, gaps per minute and their
50th and 95th percentiles); nothing of those traces is copied.

Form of the files: `seconds Mbit/s`, a value holds until the next line.
Run it in this folder; the output is the same on every machine.
"""
import math

LENGTH_S = 180.0
GRID_S = 0.2


class Random:
    """SplitMix64, so that the files do not depend on a library's generator."""

    def __init__(self, seed):
        self.state = seed

    def unit(self):
        mask = (1 << 64) - 1
        self.state = (self.state + 0x9E3779B97F4A7C15) & mask
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        return ((z ^ (z >> 31)) >> 11) * 2.0**-53

    def normal(self):
        return math.sqrt(-2.0 * math.log(1.0 - self.unit())) * math.cos(2.0 * math.pi * self.unit())


def trace(seed, median, cv, ac1s, gaps_per_min, gap_p50, gap_p95, floor=0.0, cap=None):
    """Lines of one trace. Rates in Mbit/s, lengths in seconds."""
    random = Random(seed)
    sigma = math.sqrt(math.log(1.0 + cv * cv))
    keep = ac1s ** GRID_S
    gap_sigma = math.log(gap_p95 / gap_p50) / 1.645
    gaps, at = [], 0.0
    while gaps_per_min > 0:
        at += -60.0 / gaps_per_min * math.log(1.0 - random.unit())
        length = gap_p50 * math.exp(gap_sigma * random.normal())
        if at + length >= LENGTH_S:
            break
        gaps.append((at, at + length))
        at += length
    level, rows = random.normal(), []
    for step in range(int(LENGTH_S / GRID_S)):
        level = keep * level + math.sqrt(1.0 - keep * keep) * random.normal()
        rate = max(floor, median * math.exp(sigma * level))
        rows.append((step * GRID_S, min(rate, cap) if cap else rate))
    for start, end in gaps:
        after = [rate for t, rate in rows if t <= end][-1]
        rows = [row for row in rows if not start <= row[0] < end]
        rows += [(start, floor), (end, after)]
    rows.sort()
    lines, last = [], -1.0
    for t, rate in rows:
        t = round(t, 3)
        if t > last:
            lines.append(f"{t:.3f} {rate:.3f}")
            last = t
    return lines


# name: seed, median, cv, ac1s, gaps/min, gap p50, gap p95, rate within a gap
TRACES = {
    "lte-drive.down": (1, 5.0, 0.6, 0.85, 6.0, 0.40, 1.5, 0.0),
    "lte-drive.up": (2, 1.5, 0.5, 0.84, 6.0, 0.35, 1.9, 0.0),
    "metro-3g.down": (3, 0.85, 0.6, 0.9, 2.4, 1.3, 8.9, 0.05),
    "metro-3g.up": (4, 0.3, 0.5, 0.9, 2.4, 1.3, 8.9, 0.03),
    "wifi-restaurant.down": (5, 22.0, 0.4, 0.8, 4.0, 0.41, 5.7, 1.0),
    "wifi-restaurant.up": (6, 10.0, 0.4, 0.8, 4.0, 0.41, 5.7, 0.5),
}

for name, (seed, median, cv, ac1s, gaps, p50, p95, floor) in TRACES.items():
    with open(f"{name}.txt", "w", encoding="ascii", newline="\n") as file:
        file.write(f"# synthetic: median {median} Mbit/s, cv {cv}, autocorrelation at 1 s {ac1s},\n")
        file.write(f"# {gaps} gaps per minute at {floor} Mbit/s, p50 {p50} s, p95 {p95} s; made by make.py\n")
        file.write("\n".join(trace(seed, median, cv, ac1s, gaps, p50, p95, floor)) + "\n")
