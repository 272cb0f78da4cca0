"""What stands on what within a layer: a file and its header (a unit) include others, and nothing goes round in a circle."""

import re

# The links of a shard know the link that they work for, which knows them.
WITH_CIRCLES = ("engine/node",)
# Held where the layer is in order.
LEVELED_LAYERS = ("engine/host", "cli/ui", "cli/fleet/plan", "cli/fleet/reach", "cli/fleet", "cli/commands")
LEVELS_MAX = 9
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


def unit_of(path):
    return re.sub(r"\.(h|cc)$", "", path)


def units_of(texts, layer, layer_of):
    """Of each unit of the layer the other units of it that it includes. `texts`: of sources, by their path from src/."""
    used = {}
    for path, text in texts.items():
        if layer_of(path) == layer:
            included = {unit_of(target) for target in INCLUDE.findall(text) if layer_of(target) == layer}
            used.setdefault(unit_of(path), set()).update(included - {unit_of(path)})
    return used


class Circle(Exception):
    """Units of which each includes the next one, and the last one the first."""

    def __init__(self, units):
        super().__init__(units)
        self.units = units


def levels_of(used):
    """The level of each unit: what includes nothing of its layer is on level 1. Raises Circle."""
    levels, above = {}, []

    def level_of(unit):
        if unit in above:
            raise Circle(above[above.index(unit):])
        if unit not in levels:
            above.append(unit)
            levels[unit] = 1 + max((level_of(other) for other in sorted(used.get(unit, ()))), default=0)
            above.pop()
        return levels[unit]

    for unit in sorted(used):
        level_of(unit)
    return levels


def check_include_levels(texts, layer_of, faults):
    for layer in sorted({layer_of(path) for path in texts} - {None, *WITH_CIRCLES}):
        try:
            levels = levels_of(units_of(texts, layer, layer_of))
        except Circle as circle:
            faults.append(f"src/{circle.units[0]}: includes go round in a circle: "
                          + " -> ".join(circle.units + circle.units[:1]))
            continue
        for unit, level in sorted(levels.items()):
            if level > LEVELS_MAX and layer in LEVELED_LAYERS:
                faults.append(f"src/{unit}: on level {level} of {layer}, at most {LEVELS_MAX}: what it needs of another "
                              "unit goes into one of its own, further down")
