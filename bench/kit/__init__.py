"""What the benches share: measured processes, alternation, results."""

from kit.context import BenchError, Context
from kit.result import Result, size_in_words
from kit.samples import Spread, alternate, median, ratio

__all__ = ["BenchError", "Context", "Result", "Spread", "alternate", "median", "ratio", "size_in_words"]
