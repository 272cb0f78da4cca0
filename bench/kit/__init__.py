"""What the benches share: measured processes, alternation, results."""

from kit.context import BenchError, Context
from kit.result import Result, size_in_words
from kit.samples import Spread, alternate, median, ratio
