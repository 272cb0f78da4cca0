"""The control plane by its packages on a stock machine: a coordinator and three agents as services. A release in waves; an upgrade
and then a reboot in the middle of a fetch; a health check that fails; the machine reset while a hook runs; purge.
The first agent is murder-agent.service as it is installed, with an app that is a service; the others are copies of its unit
with a configuration and a state of their own."""

import json
import os
import pathlib
import pwd
import time

import host
from service import (check_purge, check_security, events_of, install, is_active, journal_of, left_files, property_of,
                     wait_for)

BASE = pathlib.Path("/usr/local/agents")
BOOT = BASE / "boot"
PACKAGES = ("murder", "murder-tracker", "murder-agent")
TRACKER = "murder-tracker.service"
STATE = "/var/lib/murder-tracker"
UNITS = pathlib.Path("/etc/systemd/system")
USER = "shop"
# More than ten minutes of it: the upgrade and the reboot come in its middle.
BIG_BYTES = 45_000_000
LIMIT = "64KB"
FETCHED_BYTES_MIN = 1_000_000
RESIDENT_KIB_MAX = 16 << 10
ROLLOUT_SECONDS_MAX = 900
# In /run, so that a hook is slow until the machine is reset.
SLOW = pathlib.Path("/run/slow-hook")
UNDONE_EXIT = 5
# A coordinator that has just begun answers with an error, which is no end of a rollout.
ENDED = ("done", "held", "aborted", "undone")

SHOP_UNIT = f"""\
[Service]
User={USER}
ExecStart=/usr/bin/python3 -m http.server 8080 --bind 127.0.0.1 --directory /srv/h1/current
"""
HOOK = """\
#!/bin/sh
# What hooks do that the unit must let them.
sudo -n -u shop test -r "$MURDER_CURRENT/version" || exit
systemctl restart shop.service || exit
until curl -fsS http://127.0.0.1:8080/ >/dev/null; do sleep 1; done
echo "$MURDER_TAG" >>/srv/hooks
[ ! -e /run/slow-hook ] || sleep 600
"""


class Agent:
    """One of the three."""

    def __init__(self, number):
        self.name = f"h{number}"
        is_first = number == 1
        self.unit = "murder-agent.service" if is_first else f"agent-{self.name}.service"
        self.config = pathlib.Path("/etc/murder/agent.toml" if is_first else f"/srv/{self.name}.toml")
        self.state = "/var/lib/murder-agent" if is_first else f"/var/lib/agent-{self.name}"
        self.to = pathlib.Path("/srv", self.name)
        self.metrics = pathlib.Path(f"/run/{self.name}.prom")
        self.bad_tags = pathlib.Path(f"/srv/{self.name}-bad-tags")
        answers = "curl -fsS http://127.0.0.1:8080/version" if is_first else f"cat {self.to}/current/version"
        self.checks = [f"! grep -qx $MURDER_TAG {self.bad_tags}", f"{answers} | grep -qx $MURDER_TAG"]
        self.number = number

    def configure(self, limit):
        hook = "/srv/hook" if self.number == 1 else "/bin/true"
        self.config.write_text(f"""\
coordinators = ["127.0.0.1:8998"]
host = "{self.name}"
groups = ["web"]
ip = "127.0.0.{self.number + 1}"
metrics_file = "{self.metrics}"
[app.shop]
to = "{self.to}"
owner = "{USER}:{USER}"
after_activate = "{hook}"
health = "{' && '.join(self.checks)}"
{f'download_limit = "{limit}"' if limit else ''}
""")

    def make_unit(self):
        """A copy of the packaged unit."""
        if self.number == 1:
            return
        text = pathlib.Path("/lib/systemd/system/murder-agent.service").read_text()
        text = text.replace("/etc/murder/agent.toml", str(self.config))
        text = text.replace("StateDirectory=murder-agent", f"StateDirectory=agent-{self.name}")
        (UNITS / self.unit).write_text(text)

    @property
    def current(self):
        link = self.to / "current"
        return os.readlink(link) if link.is_symlink() else None

    def process(self):
        return property_of(self.unit, "MainPID")

    def fetch(self):
        """The process that fetches, and how much it has: (0, 0) when there is none."""
        done = host.run("murder", "status", "--json", "--run-dir", f"{self.state}/apps/shop/run")
        found = [each for each in json.loads(done.stdout or '{"processes": []}')["processes"] if each["phase"] == "downloading"]
        return (found[0]["pid"], found[0]["done_bytes"]) if found else (0, 0)

    def received_bytes(self, source):
        wanted = f'murder_agent_received_bytes_total{{app="shop",source="{source}"}} '
        lines = self.metrics.read_text().splitlines() if self.metrics.exists() else []
        return next((int(line.removeprefix(wanted)) for line in lines if line.startswith(wanted)), 0)


AGENTS = [Agent(number) for number in (1, 2, 3)]


def source_of(tag):
    return BASE / tag


def publish(tag, **options):
    source = source_of(tag)
    host.make_tree(source, tag, **options)
    (source / "version").write_text(f"{tag}\n")
    os.utime(source / "version", (host.FILE_TIME, host.FILE_TIME))
    os.utime(source, (host.FILE_TIME, host.FILE_TIME))
    host.must("murder", "release", "publish", source, "--app", "shop", "--tag", tag, timeout=ROLLOUT_SECONDS_MAX)


def start_rollout(tag, *options):
    return host.run("murder", "rollout", "start", "shop", tag, "--min-healthy", "3s", *options, timeout=ROLLOUT_SECONDS_MAX)


def rollout():
    """The state of the app's latest, and why; with its counts."""
    done = host.run("murder", "rollout", "status", "--json")
    found = json.loads(done.stdout)["rollouts"] if done.returncode == 0 else []
    return found[0] if found else {"state": done.stderr, "why": "", "counts": {}}


def states():
    """What each host says of itself, in a line for the table."""
    done = host.run("murder", "agents")
    return done.stdout + done.stderr


def connected():
    """The names of the hosts whose agents are."""
    done = host.run("murder", "agents", "--json")
    return [each["host"] for each in json.loads(done.stdout)["agents"] if each["connected"]] if done.returncode == 0 else []


def not_at(tag):
    """What of the hosts is not as the release; empty when all are."""
    text = ""
    for each in AGENTS:
        place = each.to / tag
        if each.current != tag:
            text = text or f"{each.name} runs {each.current}\n{states()}{journal_of(each.unit)}"
        else:
            text = text or host.difference(source_of(tag), place)
            owner = pwd.getpwuid((place / "version").stat().st_uid).pw_name
            text = text or ("" if owner == USER else f"{each.name}: {place} belongs to {owner}")
    return text


def check_install():
    done = install(PACKAGES)
    host.result("install", done.returncode == 0, done.stdout + done.stderr)
    unit = AGENTS[0].unit
    states_of_unit = [property_of(unit, name) for name in ("ActiveState", "Result", "UnitFileState")]
    host.result("an agent that was told nothing does not start, and has not failed",
                states_of_unit == ["inactive", "exec-condition", "enabled"], f"{states_of_unit}")
    verified = host.run("systemd-analyze", "verify", "--man=no", unit)
    host.result("systemd-analyze verify", verified.returncode == 0 and not verified.stderr, verified.stderr)
    check_security(unit, "01234")


def make_fleet():
    host.must("useradd", "--system", USER)
    (UNITS / "shop.service").write_text(SHOP_UNIT)
    pathlib.Path("/srv/hook").write_text(HOOK)
    pathlib.Path("/srv/hook").chmod(0o755)
    config = pathlib.Path("/etc/murder/tracker.toml")
    config.write_text(f'state = "{STATE}"\n{config.read_text()}')
    for each in AGENTS:
        each.bad_tags.write_text("")
        each.configure(LIMIT)
        each.make_unit()
    host.must("systemctl", "daemon-reload")
    host.must("systemctl", "restart", TRACKER)
    told = host.must("murder", "state", STATE).stdout
    host.result("the coordinator has a state", is_active(TRACKER), told or journal_of(TRACKER))
    host.must("systemctl", "enable", "--now", *(each.unit for each in AGENTS))
    text = wait_for(lambda: len(connected()) == len(AGENTS), "all agents are heard")
    host.result("three agents are at the coordinator", not text, text and states() + journal_of(AGENTS[0].unit))
    status = pathlib.Path(f"/proc/{AGENTS[0].process()}/status").read_text()
    resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))
    host.result("an idle agent is small", resident <= RESIDENT_KIB_MAX, f"{resident} KiB resident")


def check_rollout():
    publish("v1", file_count=10, big_bytes=60_000)
    done = start_rollout("v1", "--groups", "web", "--waves", "1,100%", "--wait")
    text = done.stdout + done.stderr if done.returncode else not_at("v1")
    host.result("a release in two waves, with hooks and health checks", not text, text)
    events = events_of(AGENTS[0].unit)
    host.result("the journal has it", {"started", "coordinator_found", "release_activated"} <= set(events), f"{events}")
    status = property_of(AGENTS[0].unit, "StatusText")
    host.result("systemctl status has it", status == "connected to 127.0.0.1:8998; shop: healthy", status)
    journal = host.run("journalctl", "-b", "--no-pager", "-u", AGENTS[0].unit).stdout
    host.result("nothing but the agent speaks to systemd", "Got notification message" not in journal, journal[-1500:])
    config = AGENTS[0].config
    text, before = config.read_text(), AGENTS[0].process()
    config.write_text(f"nonsense = 1\n{text}")
    host.run("systemctl", "reload", AGENTS[0].unit)
    refused = wait_for(lambda: "reload_refused" in events_of(AGENTS[0].unit), "a refused configuration in the journal")
    config.write_text(text)
    host.must("systemctl", "reload", AGENTS[0].unit)
    reloaded = wait_for(lambda: events_of(AGENTS[0].unit).count("started") == 2, "the agent begins again")
    host.result("a wrong configuration is refused, the right one read, by the same process",
                not refused and not reloaded and AGENTS[0].process() == before, refused + reloaded)


def fetches():
    return [each.fetch() for each in AGENTS]


def check_upgrade():
    """Leaves a rollout behind whose hosts fetch for minutes."""
    publish("v2", big_bytes=BIG_BYTES)
    done = start_rollout("v2", "--detach")
    text = wait_for(lambda: all(bytes_done >= FETCHED_BYTES_MIN for _, bytes_done in fetches()), "hosts fetch")
    before = fetches()
    mains = [each.process() for each in AGENTS]
    tracker = property_of(TRACKER, "MainPID")
    upgraded = install(PACKAGES, "newer-")
    host.result("upgrade", done.returncode == 0 and not text and upgraded.returncode == 0,
                done.stderr + text + upgraded.stdout + upgraded.stderr)
    # That of the package is told, the others find it within a minute.
    text = wait_for(lambda: all(runs_new_program(each.process()) for each in AGENTS), "agents run the new program")
    host.result("agents run the new program, as the processes that they were",
                not text and mains == [each.process() for each in AGENTS], f"{text}{mains}")
    host.result("the coordinator is another process", property_of(TRACKER, "MainPID") not in ("0", tracker), tracker)
    text = wait_for(lambda: len(connected()) == len(AGENTS) and all(
        now > then for (_, now), (_, then) in zip(fetches(), before)), "agents are back, and downloads get on")
    after = fetches()
    host.result("no download was broken off", not text and [pid for pid, _ in after] == [pid for pid, _ in before],
                f"{text}{before} {after}")
    now = rollout()
    host.result("the rollout is under way", now["state"] == "running", f"{now['state']} {now['counts']}")


def runs_new_program(pid):
    try:
        return os.readlink(f"/proc/{pid}/exe") == "/usr/bin/murder"
    except OSError:
        return False


def check_reboot():
    before = [done for _, done in fetches()]
    for each in AGENTS:
        each.configure("")
    (BASE / "fetched").write_text(json.dumps(before))
    BOOT.write_text("rebooted")
    host.must("systemctl", "reboot")
    time.sleep(host.SECONDS_MAX)


def after_reboot():
    services = [TRACKER, *(each.unit for each in AGENTS)]
    text = wait_for(lambda: all(map(is_active, services)), "services after the boot")
    host.result("coordinator and agents are there after a reboot", not text, text and "".join(map(journal_of, services)))
    wait_for(lambda: rollout()["state"] in ENDED, "the rollout ends", ROLLOUT_SECONDS_MAX)
    now = rollout()
    text = not_at("v2") if now["state"] == "done" else f"{now['state']}: {now['why']}\n{states()}"
    host.result("the rollout that the reboot cut goes on to its end", not text, text)
    wait_for(lambda: all(each.received_bytes("swarm") for each in AGENTS), "metrics")
    fetched = [each.received_bytes("swarm") for each in AGENTS]
    before = json.loads((BASE / "fetched").read_text())
    host.result("what was there is not fetched again",
                all(0 < now < BIG_BYTES - then // 2 for now, then in zip(fetched, before)),
                f"{before} bytes before the reboot, {fetched} of {BIG_BYTES} fetched after it")


def check_bad_release():
    publish("v3", file_count=10, big_bytes=60_000)
    AGENTS[0].bad_tags.write_text("v3\n")
    done = start_rollout("v3", "--on-failure", "rollback", "--healthy-deadline", "30s", "--wait")
    text = not_at("v2") if done.returncode == UNDONE_EXIT else f"exit status {done.returncode}\n{done.stdout}{done.stderr}"
    host.result("a release that is not healthy is rolled back", not text, text)


def check_reset():
    """Without a word to anybody, while the first host is in the hook of an activation."""
    publish("v4", file_count=10, big_bytes=60_000)
    SLOW.touch()
    started = start_rollout("v4", "--waves", "1,100%", "--detach")
    text = wait_for(lambda: hooks_of("v4") == 1, "the hook runs")
    host.result("a hook runs", not text and started.returncode == 0, text + started.stderr)
    BOOT.write_text("reset")
    # What is this job's. The agent has to see to its own.
    host.must("sync", BOOT, "/srv/hooks")
    pathlib.Path("/proc/sysrq-trigger").write_text("b")
    time.sleep(host.SECONDS_MAX)


def hooks_of(tag):
    path = pathlib.Path("/srv/hooks")
    return path.read_text().split().count(tag) if path.exists() else 0


def after_reset():
    wait_for(lambda: rollout()["state"] in ENDED, "the rollout ends", ROLLOUT_SECONDS_MAX)
    now = rollout()
    text = not_at("v4") if now["state"] == "done" else f"{now['state']}: {now['why']}\n{states()}"
    host.result("after a reset of the machine the rollout comes to its end", not text, text)
    host.result("the hook that the reset cut was run again", hooks_of("v4") == 2, f"{hooks_of('v4')} times")
    state = host.run("murder", "audit")
    host.result("the audit log has it all", all(tag in state.stdout for tag in ("v1", "v2", "v3", "v4")), state.stderr)


def check_removal():
    others = [each.unit for each in AGENTS[1:]]
    host.must("systemctl", "disable", "--now", *others, "shop.service")
    for each in others:
        (UNITS / each).unlink()
    host.must("systemctl", "daemon-reload")
    done = host.run("dpkg", "--remove", "murder-agent")
    running = host.run("pgrep", "-a", "-f", "murder (agent|peer .*/var/lib/murder-agent)").stdout
    host.result("remove ends the agent", done.returncode == 0 and not running, done.stderr + running)
    kept = AGENTS[0].config.exists() and pathlib.Path(AGENTS[0].state, "agent.key").exists()
    host.result("remove keeps the configuration and what makes the host known", kept)
    gone = wait_for(lambda: not connected(), "no agent is connected")
    done = install(("murder-agent",), "newer-")
    text = gone or wait_for(lambda: AGENTS[0].name in connected(), "the agent is heard again")
    host.result("reinstalled it is the host that it was", done.returncode == 0 and not text, done.stderr + text)
    for each in AGENTS:
        (each.to / ".murder-releases.json").unlink()
    done = host.run("dpkg", "--purge", "murder-agent")
    # The pages of all commands are with the program.
    is_left = [each for each in left_files() if "agent" in each and not each.startswith("/usr/share/man/")]
    host.result("purge of the agent alone", done.returncode == 0 and not is_left, f"{done.stderr}{is_left}")
    check_purge(("murder-tracker", "murder"))
    host.result("releases stay where they are", (AGENTS[0].to / "v4" / "version").exists())


def main():
    pathlib.Path(host.PROGRAM).unlink(missing_ok=True)  # the package's program alone
    boot = BOOT.read_text() if BOOT.exists() else ""
    if not boot:
        BASE.mkdir()
        check_install()
        make_fleet()
        check_rollout()
        check_upgrade()
        check_reboot()
    elif boot == "rebooted":
        after_reboot()
        check_bad_release()
        check_reset()
    else:
        after_reset()
        check_removal()
