"""What was measured, and the Markdown table of it.

A figure has a key; of each contender it keeps one value a round, in the order of the rounds. A ratio is the median of the
ratios of the single rounds, so that what disturbs one round disturbs both of its values.
"""

import statistics
from dataclasses import dataclass

REFERENCE = "ssh"


@dataclass(frozen=True)
class Goal:
    """Of the ratio to the reference, or of the value itself."""

    sign: str  # "≥" or "≤"
    limit: float
    unit: str = ""  # only of a value
    of_value: bool = False

    def holds(self, value, ratio):
        found = value if self.of_value else ratio
        return found is not None and (found >= self.limit if self.sign == "≥" else found <= self.limit)

    def __str__(self):
        return f"{self.sign} {self.limit:g}{' ' + self.unit if self.unit else ''}"


def ratio_at_least(limit):
    return Goal("≥", limit)


def ratio_at_most(limit):
    return Goal("≤", limit)


def at_least(limit, unit=""):
    return Goal("≥", limit, unit, of_value=True)


def at_most(limit, unit=""):
    return Goal("≤", limit, unit, of_value=True)


@dataclass(frozen=True)
class Row:
    key: str
    label: str
    digits: int = 0
    reference: str = REFERENCE  # whose values stand in the reference's column


class Figures:
    def __init__(self):
        self.rows = []
        self.notes = []
        self._values = {}

    def row(self, key, *fields, **named):
        """Declares the row of a figure, in the order of the table."""
        if all(each.key != key for each in self.rows):
            self.rows.append(Row(key, *fields, **named))

    def add(self, key, contender, value):
        self._values.setdefault((key, contender), []).append(value)

    def note(self, text):
        if text not in self.notes:
            self.notes.append(text)

    def value(self, key, contender):
        values = self._values.get((key, contender))
        return statistics.median(values) if values else None

    def ratio(self, key, contender, reference=REFERENCE):
        pairs = zip(self._values.get((key, contender), ()), self._values.get((key, reference), ()))
        ratios = [value / other for value, other in pairs if other]
        return statistics.median(ratios) if ratios else None

    def median_ratio(self, keys, contender):
        ratios = [each for each in (self.ratio(key, contender) for key in keys) if each is not None]
        return statistics.median(ratios) if ratios else None


def table(figures, builds, goal_of, medians):
    """`goal_of(key, build)`: its Goal or None. `medians`: (key, label, keys of the cells) of rows that sum up cells."""
    heads = ["figure", REFERENCE]
    for build in builds:
        heads += [build.name, "ratio", "goal"]
    lines = [heads, ["---"] * len(heads)]
    for row in figures.rows:
        line = [row.label, shown(figures.value(row.key, row.reference), row.digits)]
        for build in builds:
            value = figures.value(row.key, build.name)
            line += judged(value, figures.ratio(row.key, build.name, row.reference), row.digits, goal_of(row.key, build))
        lines.append(line)
    for key, label, cells in medians:
        ratios = [figures.median_ratio(cells, build.name) for build in builds]
        if any(ratio is not None for ratio in ratios):
            parts = [judged(None, ratio, 0, goal_of(key, build)) for ratio, build in zip(ratios, builds)]
            lines.append([label, "", *(word for part in parts for word in part)])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def judged(value, ratio, digits, goal):
    said = str(goal) if goal else ""
    if goal and not goal.holds(value, ratio):
        said = f"**{said}: missed**"
    return [shown(value, digits), shown(ratio, 2), said]


def shown(value, digits):
    return "" if value is None else f"{value:,.{digits}f}"
