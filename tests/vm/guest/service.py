"""What the jobs with installed packages share: units, the journal, what a purge leaves."""

import json
import pathlib
import time

import host


def property_of(unit, name):
    return host.must("systemctl", "show", "--value", "-p", name, unit).stdout.strip()


def is_active(unit):
    return property_of(unit, "ActiveState") == "active"


def wait_for(condition, what, seconds=host.SECONDS_MAX):
    """Empty, or what did not come."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return f"waited in vain: {what}"
        time.sleep(0.5)
    return ""


def journal_of(unit):
    return host.run("journalctl", "--no-pager", "-n", "30", "-u", unit).stdout


def events_of(unit):
    """The values of MURDER_EVENT in the journal of this boot, in their order."""
    lines = host.must("journalctl", "-b", "-o", "json", "-u", unit, "--no-pager").stdout.splitlines()
    return [each["MURDER_EVENT"] for each in map(json.loads, lines) if each.get("MURDER_EVENT")]


def install(names, prefix=""):
    return host.run("dpkg", "--install", *(host.JOB / f"{prefix}{name}.deb" for name in names))


def check_security(unit, scores):
    """`scores`: the digits in front of the point that are taken."""
    done = host.run("systemd-analyze", "security", "--no-pager", unit)
    last = done.stdout.strip().splitlines()[-1] if done.stdout.strip() else done.stderr
    host.result(f"systemd-analyze security {unit.split('.')[0]}", any(f" {score}." in last for score in scores), last)


def left_files():
    """What is named after murder, without what the jobs made."""
    done = host.run("find", "/", "-xdev", "(", "-path", "/proc", "-o", "-path", "/job", "-o", "-path", "/root", "-o", "-path",
                    "/var/log/journal", "-o", "-path", "/usr/local/bin/murder", ")", "-prune", "-o", "-name", "*murder*", "-print")
    run = [str(each) for each in pathlib.Path("/run").glob("murder*")]
    return [each for each in done.stdout.split() if "rack" not in each] + run


def check_purge(names):
    done = host.run("dpkg", "--purge", *names)
    left = left_files()
    host.result("purge leaves nothing", done.returncode == 0 and not left, f"{done.stderr}{left}")
    units = host.run("systemctl", "--no-legend", "--plain", "--all", "list-units", "murder*").stdout
    host.result("systemd knows no unit of it any more", not units.strip(), units)
