"""The verdict as text: a table of endpoints, fairness, a timeline, and what was violated."""

from client import percentile


def table(rows):
    """Columns as wide as they need; the first is text, the rest are figures."""
    widths = [max(len(str(row[n])) for row in rows) for n in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [str(cell).ljust(width) if n in (0, len(row) - 1) else str(cell).rjust(width)
                 for n, (cell, width) in enumerate(zip(row, widths))]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def milliseconds(seconds):
    return "-" if seconds is None else f"{seconds * 1000:,.1f}"


def endpoints(figures):
    rows = [("endpoint (ms)", "count", "p50", "p99", "max", "statuses")]
    for name in sorted(figures.seconds, key=lambda name: (name.split(" ")[1], name)):
        spent = figures.seconds[name]
        statuses = " ".join(f"{status or 'broken'}:{count}" for status, count in sorted(figures.statuses[name].items()))
        rows.append((name, len(spent), milliseconds(percentile(spent, 0.5)), milliseconds(percentile(spent, 0.99)),
                     milliseconds(max(spent)), statuses))
    return table(rows)


def fairness(idle, loaded):
    rows = [("a job of ten toons, to its end (ms)", "count", "p50", "p99", "max", "")]
    for name, spent in (("on the idle server", idle), ("beside the large job", loaded)):
        rows.append((name, len(spent), milliseconds(percentile(spent, 0.5)), milliseconds(percentile(spent, 0.99)),
                     milliseconds(max(spent, default=None)), ""))
    return table(rows)


def timeline(samples):
    rows = [("second", "workers", "busy", "jobs", "toons pending", "connections", "server MB", "workers MB", "phase")]
    for row in samples:
        rows.append((f"{row['at']:.1f}", row["workers"], row["busy"], row["jobs"], f"{row['pending']:,}", row["connections"],
                     f"{row['rss']:.0f}", f"{row['below']:.0f}", row["phase"]))
    return table(rows)
