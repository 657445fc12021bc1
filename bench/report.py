"""Figures as text: ratios of runs that took turns, tables, and how much of the machine others had."""

import os
import resource
import statistics
import time


class Neighbours:
    """What share of the machine's CPU went to programs that this one did not start."""

    def __init__(self):
        self.started, self.busy, self.own = time.monotonic(), self._busy(), self._own()

    @staticmethod
    def _busy():
        user, nice, system, _idle, _wait, interrupts, soft, steal = map(int, open("/proc/stat", encoding="ascii").readline().split()[1:9])
        return (user + nice + system + interrupts + soft + steal) / os.sysconf("SC_CLK_TCK")

    @staticmethod
    def _own():
        used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return sum(one.ru_utime + one.ru_stime for one in used)

    def share(self):
        """Since it was made, from 0 to 1; what this program started has ended."""
        others = (self._busy() - self.busy) - (self._own() - self.own)
        return max(0.0, others / (time.monotonic() - self.started) / os.cpu_count())


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
