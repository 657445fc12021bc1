"""What one toon costs in jobs of every size: it should not grow with the job."""

import sys
import time

import processes
import report
import ubertoons_side

SIZES = (1000, 10_000, 100_000, 1_000_000)
LEAST = 50_000  # toons a size: small jobs are repeated, so that clock ticks do not show
BASE = 10_000
TARGET = 1.15  # times the cost of a toon in a job of BASE


def _cost(system, size):
    """{what: microseconds a toon} of jobs of `size`, one after another."""
    body = ubertoons_side.small_job(size)
    rounds = max(1, LEAST // size)
    cpu, started = processes.Cpu(system.process.pid), time.perf_counter()
    for _ in range(rounds):
        system.run(body)
    wall = time.perf_counter() - started
    spent = {**cpu.spent(), "wall": wall}
    return {name: 1e6 * seconds / (rounds * size) for name, seconds in spent.items()}


def report_of(options, scratch):
    sizes = [size for size in SIZES if size <= options.most]
    costs = {}
    for size in sizes:
        with ubertoons_side.Ubertoons(scratch / "ubertoons", options.own_workers) as system:
            system.warm_up()
            costs[size] = _cost(system, size)
        print(f"{size:,} toons: {costs[size]['wall']:.1f} us a toon", file=sys.stderr, flush=True)
    rows = [("toons in the job", "CPU a toon", "server user", "server kernel", "workers user", "workers kernel", "by the clock")]
    cpu = {size: sum(cost.values()) - cost["wall"] for size, cost in costs.items()}
    for size, cost in costs.items():
        rows.append((f"{size:,}", *(f"{value:.2f} us" for value in (cpu[size], *cost.values()))))
    text = (f"messages of {ubertoons_side.SMALL_BYTES} bytes; jobs one after another, {LEAST:,} toons a size or more, each size on a fresh folder\n"
            f"{report.table(rows)}")
    if sizes[-1] > BASE:
        seen = cpu[sizes[-1]] / cpu[BASE]
        text += (f"\nCPU a toon, {sizes[-1]:,} over {BASE:,}: {seen:.3f}; the target is below {TARGET}: {'met' if seen < TARGET else 'missed'}"
                 f" (by the clock {costs[sizes[-1]]['wall'] / costs[BASE]['wall']:.3f})")
    return text
