"""Figures as text: ratios of runs that took turns, and tables."""

import statistics


def percentile(values, fraction):
    return sorted(values)[min(len(values) - 1, int(fraction * len(values)))]


def spread(values, form):
    return f"{min(values):{form}} to {max(values):{form}}"


def ratios(seconds, other_seconds):
    """How many times as fast the first was as the other, round by round: both met the same minute."""
    return [other / own for own, other in zip(seconds, other_seconds)]


def ratio(seconds, other_seconds, form=".2f"):
    """The median of the rounds' ratios, and their range."""
    found = ratios(seconds, other_seconds)
    return f"{statistics.median(found):{form}} ({spread(found, form)})"


def table(rows):
    """The first row is the head."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])
