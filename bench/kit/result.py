"""A bench's result: tables for the terminal, and a dated pair of files that is never edited or overwritten."""

import dataclasses
import json
import time

from kit.samples import Spread


@dataclasses.dataclass
class Table:
    title: str
    columns: list
    rows: list = dataclasses.field(default_factory=list)

    def row(self, *cells):
        """A cell is a text, a number, a Spread, or None for what there is no reading of."""
        assert len(cells) == len(self.columns), (cells, self.columns)
        self.rows.append(list(cells))

    def as_text(self):
        rows = [[_text(cell) for cell in row] for row in [self.columns, *self.rows]]
        widths = [max(map(len, column)) for column in zip(*rows)]
        lines = [self.title] if self.title else []
        for index, row in enumerate(rows):
            cells = [cell.ljust(width) if column == 0 else cell.rjust(width)
                     for column, (cell, width) in enumerate(zip(row, widths))]
            lines.append("  " + "  ".join(cells).rstrip())
            if index == 0:
                lines.append("  " + "  ".join("-" * width for width in widths))
        return "\n".join(lines)

    def as_markdown(self):
        lines = [f"### {self.title}", ""] if self.title else []
        lines.append("| " + " | ".join(self.columns) + " |")
        lines.append("|" + "|".join("---" if index == 0 else "---:" for index in range(len(self.columns))) + "|")
        for row in self.rows:
            lines.append("| " + " | ".join(_text(cell).replace("|", "\\|") for cell in row) + " |")
        return "\n".join(lines)


@dataclasses.dataclass
class Result:
    """What a bench hands back. `raw` holds every single reading, as JSON takes it."""

    title: str
    tables: list = dataclasses.field(default_factory=list)
    notes: list = dataclasses.field(default_factory=list)
    raw: dict = dataclasses.field(default_factory=dict)

    def table(self, title, columns):
        self.tables.append(Table(title, list(columns)))
        return self.tables[-1]

    def note(self, text):
        self.notes.append(text)


def size_in_words(size_bytes):
    return f"{size_bytes / 1e9:.2f} GB" if size_bytes >= 1e9 else f"{size_bytes / 1e6:.0f} MB"


def _number(value):
    if isinstance(value, int):
        return f"{value:,}"
    if value == 0:
        return "0"
    size = abs(value)
    if size >= 1000:
        return f"{value:,.0f}"
    return f"{value:.{1 if size >= 100 else 2 if size >= 1 else 3}f}"


def _text(cell):
    if cell is None:
        return "-"
    if isinstance(cell, Spread):
        if cell.count == 1:
            return _number(cell.median)
        return f"{_number(cell.median)} ({_number(cell.least)} to {_number(cell.most)})"
    if isinstance(cell, (int, float)) and not isinstance(cell, bool):
        return _number(cell)
    return str(cell)


def _plain(value):
    """For json.dump: what it does not know."""
    if isinstance(value, Spread):
        return dataclasses.asdict(value)
    return str(value)


def as_text(result, quick):
    parts = [f"{result.title}{' (quick: a smoke test, no figures to keep)' if quick else ''}"]
    parts += [table.as_text() for table in result.tables]
    if result.notes:
        parts.append("\n".join(f"  - {note}" for note in result.notes))
    return "\n\n".join(parts)


def write(directory, name, result, circumstances):
    """Writes DATE-NAME.json and .md; returns the path of the latter."""
    directory.mkdir(parents=True, exist_ok=True)
    quick = circumstances["quick"]
    stem = f"{time.strftime('%Y-%m-%d-%H%M')}-{name}{'-quick' if quick else ''}"
    document = {
        "bench": name,
        "title": result.title,
        **circumstances,
        "tables": [dataclasses.asdict(table) for table in result.tables],
        "notes": result.notes,
        "raw": result.raw,
    }
    markdown = [f"# {name}: {result.title}", ""]
    if quick:
        markdown += ["Quick: a smoke test of the bench itself. No figure here is worth keeping.", ""]
    markdown += [f"- {key}: {value}" for key, value in circumstances["machine"].items()]
    markdown += [f"- command: `{circumstances['command']}`", f"- started: {circumstances['started']}", ""]
    markdown.append("\n\n".join(table.as_markdown() for table in result.tables))
    if result.notes:
        markdown += ["", *(f"- {note}" for note in result.notes)]
    for attempt in range(1, 100):
        path = directory / (stem if attempt == 1 else f"{stem}-{attempt}")
        try:
            with open(f"{path}.json", "x", encoding="utf-8") as file:
                json.dump(document, file, indent=1, default=_plain)
                file.write("\n")
        except FileExistsError:
            continue
        with open(f"{path}.md", "x", encoding="utf-8") as file:
            file.write("\n".join(markdown) + "\n")
        return f"{path}.md"
    raise FileExistsError(f"{directory / stem}.json and 98 after it")
