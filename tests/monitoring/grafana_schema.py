"""What Grafana's classic dashboard model allows, as far as the dashboard uses it: the dashboard kind, the options of the panels
and the units, of Grafana 9 to 12 (grafana-schema, grafana-data/valueFormats). Debian has no Grafana to import it into."""

STRINGS = (str,)
NUMBERS = (int, float)

DASHBOARD = {
    "annotations": dict, "description": STRINGS, "editable": bool, "graphTooltip": (0, 1, 2), "id": type(None), "links": list,
    "panels": list, "refresh": STRINGS, "schemaVersion": int, "tags": list, "templating": dict, "time": dict,
    "timepicker": dict, "timezone": ("browser", "utc", ""), "title": STRINGS, "uid": STRINGS, "version": int}
DASHBOARD_REQUIRED = ("title", "uid", "schemaVersion", "panels", "templating", "time")
VARIABLE = {
    "allValue": STRINGS, "current": dict, "datasource": dict, "definition": STRINGS, "hide": (0, 1, 2), "includeAll": bool,
    "label": STRINGS, "multi": bool, "name": STRINGS, "options": list, "query": (str, dict), "refresh": (0, 1, 2),
    "regex": STRINGS, "sort": tuple(range(9)), "type": ("query", "datasource")}
PANEL = {
    "collapsed": bool, "datasource": dict, "description": STRINGS, "fieldConfig": dict, "gridPos": dict, "id": int,
    "options": dict, "panels": list, "targets": list, "title": STRINGS, "transformations": list,
    "type": ("row", "stat", "bargauge", "timeseries", "table")}
TARGET = {
    "datasource": dict, "expr": STRINGS, "format": ("time_series", "table", "heatmap"), "instant": bool, "legendFormat": STRINGS,
    "range": bool, "refId": STRINGS}
REDUCE = {"calcs": list, "fields": STRINGS, "values": bool}
LEGEND = {"calcs": list, "displayMode": ("list", "table", "hidden"), "placement": ("bottom", "right"), "showLegend": bool}
TOOLTIP = {"mode": ("single", "multi", "none"), "sort": ("asc", "desc", "none")}
OPTIONS = {
    "stat": {"colorMode": ("value", "background", "background_solid", "none"), "graphMode": ("none", "line", "area"),
             "reduceOptions": REDUCE, "textMode": ("auto", "value", "value_and_name", "name", "none")},
    "bargauge": {"displayMode": ("basic", "lcd", "gradient"), "orientation": ("auto", "vertical", "horizontal"),
                 "reduceOptions": REDUCE},
    "timeseries": {"legend": LEGEND, "tooltip": TOOLTIP},
    "table": {"showHeader": bool}}
CUSTOM = {
    "timeseries": {"drawStyle": ("line", "bars", "points"), "fillOpacity": NUMBERS,
                   "scaleDistribution": {"log": (2, 10), "type": ("linear", "log", "symlog")},
                   "stacking": {"group": STRINGS, "mode": ("none", "normal", "percent")}}}
THRESHOLDS = {"mode": ("absolute", "percentage"), "steps": list}
FIELD = {"custom": dict, "max": NUMBERS, "min": NUMBERS, "thresholds": THRESHOLDS, "unit": STRINGS}
UNITS = ("none", "short", "percent", "percentunit", "bytes", "decbytes", "Bps", "binBps", "bps", "ops", "s", "ms", "dtdurations")
CALCULATIONS = ("lastNotNull", "last", "first", "min", "max", "mean", "sum")
OVERRIDES = {"unit": UNITS, "color": {"fixedColor": STRINGS, "mode": ("fixed", "thresholds", "palette-classic")}}
TRANSFORMATIONS = ("merge", "organize")


def is_of(value, allowed):
    """Whether a value is one of those listed, or of one of the types listed."""
    choices = allowed if isinstance(allowed, tuple) else (allowed,)
    if all(isinstance(each, type) for each in choices):
        return isinstance(value, choices) and (bool in choices or not isinstance(value, bool))
    return value in choices


def faults(value, shape, where):
    """What in an object is not allowed; {member: types, values or the shape of an object}."""
    found = []
    for key, each in value.items():
        place = f"{where}.{key}"
        if key not in shape:
            found.append(f"{place} is not known")
        elif isinstance(shape[key], dict):
            found += faults(each, shape[key], place) if isinstance(each, dict) else [f"{place} must be an object"]
        elif not is_of(each, shape[key]):
            found.append(f"{place}: {each!r}")
    return found


def faults_of_field(panel, where):
    config = panel["fieldConfig"]
    found = faults(config, {"defaults": FIELD, "overrides": list}, f"{where}.fieldConfig")
    found += faults(config["defaults"].get("custom", {}), CUSTOM.get(panel["type"], {}), f"{where}.custom")
    if config["defaults"].get("unit", "none") not in UNITS:
        found.append(f"{where}: unit {config['defaults']['unit']}")
    steps = config["defaults"].get("thresholds", {}).get("steps", [])
    for number, step in enumerate(steps):
        found += faults(step, {"color": STRINGS, "value": (int, float, type(None))}, f"{where}.thresholds")
        if (step["value"] is None) != (number == 0):
            found.append(f"{where}: the first threshold, and it alone, has no value")
    for override in config["overrides"]:
        if override["matcher"]["id"] not in ("byName", "byRegexp"):
            found.append(f"{where}: matcher {override['matcher']}")
        for each in override["properties"]:
            found += faults({each["id"]: each["value"]}, OVERRIDES, f"{where}.overrides")
    return found


def faults_of_panel(panel):
    where = f"panel {panel.get('id')}"
    found = faults(panel, PANEL, where) + faults(panel["gridPos"], dict.fromkeys("hwxy", int), where)
    if panel["type"] == "row":
        return found + [f"{where}: a row needs {key}" for key in ("collapsed", "panels", "title") if key not in panel]
    found += faults(panel["options"], OPTIONS[panel["type"]], f"{where}.options") + faults_of_field(panel, where)
    found += [f"{where}: no {key} of the legend" for key in LEGEND
              if panel["type"] == "timeseries" and key not in panel["options"].get("legend", {})]
    found += [f"{where}: calculation {each}" for each in panel["options"].get("reduceOptions", {}).get("calcs", [])
              if each not in CALCULATIONS]
    letters = [target["refId"] for target in panel["targets"]]
    if len(letters) != len(set(letters)):
        found.append(f"{where}: a refId comes twice")
    for target in panel["targets"]:
        found += faults(target, TARGET, f"{where}.{target['refId']}")
    found += [f"{where}: transformation {each['id']}" for each in panel.get("transformations", [])
              if each["id"] not in TRANSFORMATIONS or not isinstance(each["options"], dict)]
    return found


def faults_of_dashboard(board):
    found = faults(board, DASHBOARD, "dashboard")
    found += [f"dashboard: no {key}" for key in DASHBOARD_REQUIRED if key not in board]
    for variable in board["templating"]["list"]:
        found += faults(variable, VARIABLE, f"variable {variable.get('name')}")
    for panel in board["panels"]:
        found += faults_of_panel(panel)
    return found
