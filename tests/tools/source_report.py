"""Figures of the source tree, for those who look after it: nothing here fails."""

import re

import class_sizes
import cpp_scopes

BIGGEST_COUNT = 15
# Aims for layers that hold state; an ENSURE costs nothing there and finds our own mistakes at once.
LINES_PER_ENSURE_AIM = {"engine/control": 60, "engine/policy": 60, "engine/swarm": 60, "engine/node": 60, "engine/sim": 60}
ENSURE = re.compile(r"\bENSURE\(")


def lines_of_code(bare):
    return sum(1 for line in bare.split("\n") if line.strip())


def layer_figures(bare_texts, layer_of):
    """(layer, files, lines of code, ENSUREs) of each layer, in the order of their names."""
    figures = {}
    for name, bare in bare_texts.items():
        row = figures.setdefault(layer_of(name[len("src/"):]) or "none", [0, 0, 0])
        row[0] += 1
        row[1] += lines_of_code(bare)
        row[2] += len(ENSURE.findall(bare))
    return [(layer, *figures[layer]) for layer in sorted(figures)]


def print_report(texts, layer_of):
    """`texts`: the sources by name; `layer_of`: the layer of a path below src/."""
    bare = {name: cpp_scopes.without_comments_and_strings(text) for name, text in texts.items()
            if name.endswith((".h", ".cc"))}
    print(f"{'layer':<16} {'files':>6} {'lines':>7} {'ENSURE':>7} {'lines each':>11} {'aim':>5}")
    for layer, files, lines, ensures in layer_figures(bare, layer_of):
        each = str(lines // ensures) if ensures else "-"
        print(f"{layer:<16} {files:>6} {lines:>7} {ensures:>7} {each:>11} {LINES_PER_ENSURE_AIM.get(layer, ''):>5}")
    print("(lines: without comments and empty ones)")
    print()
    sizes = class_sizes.sizes_of({name: list(cpp_scopes.scopes_of(text)) for name, text in bare.items()})
    print(f"{'lines':>6} {'files':>6}  class (at most {class_sizes.CLASS_LINES_MAX} lines)")
    for size in sorted(sizes.values(), key=lambda size: -size.lines)[:BIGGEST_COUNT]:
        print(f"{size.lines:>6} {len(size.files):>6}  {size.name}")
