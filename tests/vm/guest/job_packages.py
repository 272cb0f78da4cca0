"""The Debian packages on a stock machine: installed, started, a deploy to three hosts over ssh, an upgrade while three hosts
fetch, a reboot, removed, installed again, purged. The hosts are a rack (tests/rack): network namespaces with files of
their own; tracker and seeder are the machine's services."""

import json
import pathlib
import time

import host
from service import check_purge, check_security, events_of, install, is_active, journal_of, property_of, wait_for

BASE = pathlib.Path("/usr/local/packages")
RACK = BASE / "tests/rack/rack"
SEED = pathlib.Path("/var/lib/murder/seed")
HOSTS = ("h01", "h02", "h03")
PACKAGES = ("murder", "murder-tracker")
SERVICES = ("murder-tracker.service", "murder-seed@v1.service")
# The seeder of before the upgrade would need minutes; that of after it has no limit.
BIG_BYTES = 40_000_000
LIMIT = "100KB"
SENT_BYTES_MIN = 1_500_000


def rack(*words, **options):
    return host.run("/usr/bin/python3", "-B", RACK, *words, **options)


def must_rack(*words):
    done = rack(*words)
    if done.returncode != 0:
        raise SystemExit(f"exit status {done.returncode}: rack {' '.join(words)}\n{done.stdout}{done.stderr}")
    return done.stdout.strip()


def make_rack():
    """Returns the machine's own address in it."""
    must_rack("up", "3", "--sshd")
    address = must_rack("hosts").split()[0].rsplit(".", 1)[0]
    return next(each for each in host.must("ip", "-4", "-o", "address").stdout.split() if each.startswith(address)).split("/")[0]


def check_install():
    done = install(PACKAGES)
    host.result("install", done.returncode == 0, done.stdout + done.stderr)
    unit = SERVICES[0]
    host.result("the tracker is started and ready", is_active(unit), journal_of(unit))
    host.result("its state is told to systemd", property_of(unit, "StatusText").startswith("listening on"),
                property_of(unit, "StatusText"))
    verified = host.run("systemd-analyze", "verify", "--man=no", "murder-tracker.service", "murder-seed@v1.service")
    host.result("systemd-analyze verify", verified.returncode == 0 and not verified.stderr, verified.stderr)
    config = pathlib.Path("/etc/murder/tracker.toml")
    text = config.read_text()
    config.write_text(text + '\n[racks]\n"10.213.0.0/16" = "r7"\n')
    host.must("systemctl", "reload", unit)
    config.write_text("nonsense = 1\n")
    host.run("systemctl", "reload", unit)
    config.write_text(text)
    events = events_of(unit)
    host.result("reload and a refused one are in the journal", events == ["started", "reloaded", "reload_refused"]
                and is_active(unit), f"{events}")
    for each in SERVICES:
        check_security(each, "01")


def make_release(address):
    host.make_tree(BASE / "v1", 1, big_bytes=BIG_BYTES)
    host.must("murder", "create", BASE / "v1", "--tag", "v1", "--tracker", f"{address}:8998", "--temp-path", SEED)
    # Hosts have a /var/lib of their own.
    host.must("cp", SEED / "v1.tar.zst.torrent", BASE)


def check_deploy():
    """With the program of the package alone, over ssh: it brings its own tracker and seeder."""
    host.make_tree(BASE / "v0", 0)
    done = host.run("murder", "deploy", BASE / "v0", "--tag", "v0", "--to", "/srv/app", "--activate", "--host", "h[01-03]",
                    "--tracker-port", "9100", "--ssh", f"ssh -F {must_rack('ssh-config')}", timeout=600)
    text = done.stdout + done.stderr if done.returncode else ""
    for each in HOSTS:
        text = text or host.difference(BASE / "v0", pathlib.Path(must_rack("path", each)) / "srv/app/v0")
    host.result("deploy to three hosts over ssh", not text, text)


def start_peers(tag):
    command = ["/usr/bin/python3", "-B", str(RACK), "exec"]
    return [host.start(*command, each, "murder", "peer", BASE / f"{tag}.tar.zst.torrent", "--to", "/srv/app",
                       "--temp-path", "/var/tmp", "--seed-for", "0") for each in HOSTS]


def end_of(peers, tag):
    """What went wrong; empty when all have the release."""
    text = ""
    for each, peer in zip(HOSTS, peers):
        said, _ = peer.communicate(timeout=host.SECONDS_MAX * 2)
        if peer.returncode != 0:
            text = text or f"{each}: {said}"
        text = text or host.difference(BASE / tag, pathlib.Path(must_rack("path", each)) / "srv/app" / tag)
    return text


def sent_bytes():
    done = host.run("murder", "status", "--json", "--run-dir", "/run/murder-seed/v1")
    return sum(each["sent_bytes"] for each in json.loads(done.stdout or '{"processes": []}')["processes"])


def check_upgrade():
    pathlib.Path("/etc/murder/seed.env").write_text(f"MURDER_SEED_OPTIONS=--upload-limit {LIMIT}\n")
    host.must("systemctl", "enable", "--now", SERVICES[1])
    host.result("the seeder is started and ready", is_active(SERVICES[1]), property_of(SERVICES[1], "StatusText"))
    before = {each: property_of(each, "MainPID") for each in SERVICES}
    peers = start_peers("v1")
    text = wait_for(lambda: sent_bytes() >= SENT_BYTES_MIN, "hosts fetch")
    fetching = [each.poll() is None for each in peers]
    pathlib.Path("/etc/murder/seed.env").write_text("# no limit\n")
    done = install(PACKAGES, "newer-")
    host.result("upgrade", done.returncode == 0, done.stdout + done.stderr)
    after = {each: property_of(each, "MainPID") for each in SERVICES}
    host.result("both services run the new program", all(after[each] not in ("0", before[each]) for each in SERVICES),
                f"{before} {after}")
    lost = end_of(peers, "v1")
    host.result("nothing is lost: all hosts have the release", not lost, lost)
    sent = sent_bytes()
    host.result("the upgrade came in the middle of the transfer", not text and all(fetching) and sent > 0,
                text or f"{sent} bytes sent by the new seeder")


def check_reboot(address):
    text = wait_for(lambda: all(map(is_active, SERVICES)), "services after the boot")
    host.result("both services are there after a reboot", not text, text + "".join(map(journal_of, SERVICES)) if text else "")
    if make_rack() != address:
        host.say("the rack has another address")
    for each in HOSTS:
        must_rack("exec", each, "rm", "-rf", "/srv/app")
    text = end_of(start_peers("v1"), "v1")
    host.result("hosts fetch after the reboot", not text, text)
    must_rack("down")


def check_removal():
    pathlib.Path("/etc/murder/tracker.toml").write_text('# mine\nport = 8998\n')
    done = host.run("dpkg", "--remove", "murder-tracker", "murder")
    running = host.run("pgrep", "-a", "-x", "murder").stdout
    host.result("remove ends the services", done.returncode == 0 and not running, done.stderr + running)
    kept = pathlib.Path("/etc/murder/tracker.toml").exists() and (SEED / "v1.tar.zst").exists()
    host.result("remove keeps the configuration and the releases", kept)
    done = install(PACKAGES)
    text = wait_for(lambda: all(map(is_active, SERVICES[:1])), "the tracker")
    mine = pathlib.Path("/etc/murder/tracker.toml").read_text().startswith("# mine")
    host.result("reinstall finds the configuration", done.returncode == 0 and not text and mine, done.stderr + text)
    check_purge(("murder-tracker", "murder"))
    user = host.run("getent", "passwd", "murder").stdout.strip()
    host.result("the user stays, as Debian has it", bool(user), user)


def main():
    pathlib.Path(host.PROGRAM).unlink()  # the package's program alone
    mark = BASE / "rebooted"
    if mark.exists():
        check_reboot(mark.read_text())
        check_removal()
        return
    BASE.mkdir()
    host.must("tar", "-xf", host.JOB / "rack.tar", "-C", BASE)
    check_install()
    address = make_rack()
    check_deploy()
    make_release(address)
    check_upgrade()
    mark.write_text(address)
    must_rack("down")
    host.must("sync")
    host.must("systemctl", "reboot")
    time.sleep(host.SECONDS_MAX)
