"""The parts of a swarm do not use each other: what one says to another goes through the coordinator."""

import re

FOLDER = "src/engine/swarm/"
# Each part, and the parts that it may use: those that it only reads, and those that it owns. A part's files begin with
# its name. grant_choice.cc is a file of grant_book.
READ = {"link_rates", "rack_shares"}
PARTS = {
    "connections": set(),
    "greeting": set(),
    "link_rates": set(),
    "rack_shares": set(),
    "grant_book": READ,
    "upload_queues": set(),
    "block_requests": set(),
    "stock_choice": set(),
    "granted_pieces": READ,
    "sources": {"link_rates"},
    "downloads": READ | {"block_requests", "stock_choice", "granted_pieces", "sources"},
}
INCLUDE = re.compile(r'^\s*#\s*include\s+"engine/swarm/(\w+)\.h"')


def part_of(name):
    """The part that a file belongs to; None when it is none's."""
    stem = name[len(FOLDER):].rsplit(".", 1)[0]
    if stem == "grant_choice":
        return "grant_book"
    fitting = [part for part in PARTS if stem == part or stem.startswith(part + "_")]
    return max(fitting, key=len, default=None)


def check_swarm_parts(sources, faults):
    for name, text in sources.items():
        part = part_of(name) if name.startswith(FOLDER) else None
        if part is None:
            continue
        for number, line in enumerate(text.split("\n"), 1):
            match = INCLUDE.match(line)
            used = match and match.group(1)
            if used in PARTS and used != part and used not in PARTS[part]:
                faults.append(f"{name}:{number}: part {part} of the swarm may not use part {used}; "
                              "let the coordinator pass on what one says to the other")
            elif used == "swarm":
                faults.append(f"{name}:{number}: part {part} may not use the coordinator; return what it is to do")
