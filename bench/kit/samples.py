"""Samples, and how contenders take turns."""

import dataclasses
import statistics


@dataclasses.dataclass(frozen=True)
class Spread:
    """What repeated readings of one thing came to."""

    median: float
    least: float
    most: float
    count: int

    @classmethod
    def of(cls, values):
        """None when there is no value."""
        values = [value for value in values if value is not None]
        if not values:
            return None
        return cls(statistics.median(values), min(values), max(values), len(values))


def median(values):
    return statistics.median(values)


def ratio(ours, theirs):
    """The spread of the ratios of readings taken in the same round: what slows a whole round cancels out."""
    pairs = [(left, right) for left, right in zip(ours, theirs) if left is not None and right]
    return Spread.of([left / right for left, right in pairs])


def alternate(contenders, rounds, before_each=None, say=None):
    """Calls each of {name: function} once per round, in turn and back (A B C C B A ...), so that what changes
    on the machine with time, and what a neighbour leaves behind, meets all of them alike. Returns {name: [what the calls returned]}."""
    samples = {name: [] for name in contenders}
    for number in range(rounds):
        turns = list(contenders.items())
        for name, run in reversed(turns) if number % 2 else turns:
            if before_each is not None:
                before_each()
            sample = run()
            samples[name].append(sample)
            if say is not None:
                say(f"round {number + 1} of {rounds}, {name}: {_short(sample)}")
    return samples


def _short(sample):
    if isinstance(sample, dict):
        return ", ".join(f"{key} {value:.3g}" if isinstance(value, float) else f"{key} {value}"
                         for key, value in sample.items() if isinstance(value, (int, float)))
    return f"{sample:.3g}" if isinstance(sample, float) else str(sample)
