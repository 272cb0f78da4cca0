"""Which program was tried with which part of ours, and what came of it: printed after the last test.

A cell is "ok", "failed" or "skipped: reason"; "-" is a pair that does not exist, such as a tracker
that seeds, and "not run" one whose test was left out.
"""

import contextlib
import sys
import unittest

CLIENT_COLUMNS = [
    "downloads from our seeder",
    "seeds to our peer",
    "through our tracker",
    "our peers through its tracker",
]
MAKER_COLUMNS = ["same info hash", "its tree, we seed", "its tree, we fetch"]


class Table:
    """Rows in the order they were named, each with the columns its tests fill."""

    def __init__(self, title, columns):
        self.title = title
        self.columns = columns
        self.rows = {}

    def expect(self, row, columns):
        cells = self.rows.setdefault(row, {})
        for column in columns:
            assert column in self.columns, column
            cells.setdefault(column, "not run")

    def record(self, row, column, state):
        cells = self.rows[row]
        # A cell that several tests fill is as good as the worst of them.
        if not cells[column].startswith("failed"):
            cells[column] = state

    def lines(self):
        texts = [[self.title, *self.columns]]
        for row, cells in self.rows.items():
            texts.append([row, *(cells.get(column, "-") for column in self.columns)])
        widths = [max(len(text[index]) for text in texts) for index in range(len(texts[0]))]
        for text in texts:
            yield " | ".join(cell.ljust(width) for cell, width in zip(text, widths)).rstrip()


clients = Table("client", CLIENT_COLUMNS)
makers = Table("torrents made by", MAKER_COLUMNS)


@contextlib.contextmanager
def cell(table, row, *columns, only_skips=False):
    """Whatever happens within is what the cells say; with only_skips, nothing of what goes well."""
    state = None
    try:
        yield
    except unittest.SkipTest as reason:
        state = f"skipped: {reason}"
        raise
    except BaseException:
        state = "failed"
        raise
    else:
        state = None if only_skips else "ok"
    finally:
        for column in columns if state else ():
            table.record(row, column, state)


# --- Printing after the last module ---

_modules_to_come = 0


def module_hook():
    """To be assigned to tearDownModule of every module with tests: the last one to end prints."""
    global _modules_to_come
    _modules_to_come += 1
    return _module_ended


def _module_ended():
    global _modules_to_come
    _modules_to_come -= 1
    if _modules_to_come > 0:
        return
    for table in (clients, makers):
        if table.rows:
            for line in table.lines():
                print(f"interop: {line}", file=sys.stderr, flush=True)
