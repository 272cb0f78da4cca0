"""What the tests of the whole control plane share: a coordinator, agents on this machine, and the operators' commands."""

import json
import os
import pathlib
import signal

from harness import MurderCase, WAIT_SECONDS_MAX, free_address, free_port, wait_until

ROLLOUT_SECONDS_MAX = 2 * WAIT_SECONDS_MAX


class AgentHost:
    """One host of the fleet: its directories, its agent, and what its health check says."""

    def __init__(self, case, name, groups, rack):
        self.case, self.name, self.groups, self.rack = case, name, groups, rack
        self.address = free_address()
        self.directory = case.path(name)
        self.directory.mkdir()
        self.to = self.directory / "srv"
        self.to.mkdir()
        self.activations = self.directory / "activations"
        self.bad_tags = self.directory / "bad-tags"  # releases that its health check refuses
        self.bad_tags.write_text("")
        self.health = self.directory / "health"
        self.health.write_text(f"""#!/bin/sh
now=$(readlink {self.to}/current)
if grep -qx "${{now##*/}}" {self.bad_tags}; then echo "no answer from ${{now##*/}}"; exit 1; fi
""")
        self.health.chmod(0o755)
        self.running = None
        self.more_keys = case.agent_keys

    def config(self):
        groups = ", ".join(f'"{group}"' for group in self.groups)
        return f"""
host = "{self.name}"
coordinators = ["{self.case.coordinator}"]
groups = [{groups}]
rack = "{self.rack}"
state = "{self.directory}/state"
ip = "{self.address}"
{self.more_keys}
[app.shop]
to = "{self.to}"
keep_releases = 5
after_activate = "readlink {self.to}/current >> {self.activations}"
health = "{self.health}"
"""

    def start(self):
        path = self.directory / "agent.toml"
        path.write_text(self.config())
        self.running = self.case.start("agent", "--config", path, "--run-dir", self.directory / "run")
        return self

    def kill(self):
        self.running.signal(signal.SIGKILL)
        self.running.wait()

    def stop(self):
        self.running.signal(signal.SIGTERM)
        self.running.wait()

    def fail_at(self, *tags):
        self.bad_tags.write_text("".join(f"{tag}\n" for tag in tags))

    @property
    def current(self):
        try:
            return os.path.basename(os.readlink(self.to / "current"))
        except FileNotFoundError:
            return None

    def activated(self):
        """The releases that were activated, in their order."""
        try:
            return [os.path.basename(line) for line in self.activations.read_text().split()]
        except FileNotFoundError:
            return []


class ControlCase(MurderCase):
    agent_keys = ""  # further lines of agent.toml

    def setUp(self):
        super().setUp()
        for name in ("SSH_CONNECTION", "MURDER_COORDINATOR", "SUDO_USER"):
            self.environment.pop(name, None)
        address = free_address()
        self.coordinator = f"{address}:{free_port(address)}"
        self.state = self.path("state")
        self.hosts = []
        self.addCleanup(self.end_fleet)
        self.start_coordinator()

    def start_coordinator(self, *arguments):
        self.tracker = self.start("tracker", "--listen", self.coordinator, "--state", self.state,
                                  "--run-dir", self.path("coordinator-run"), *arguments)
        wait_until(lambda: "listens on" in self.tracker.output or self.tracker.process.poll() is not None,
                   "the coordinator listens")
        self.assertIsNone(self.tracker.process.poll(), self.tracker.error)

    def end_fleet(self):
        """Agents and coordinator, then the peers that go on seeding for a while, which would write what is removed."""
        for running in self.started:
            running.end()
        for directory in [self.path("coordinator-run"), *self.directory.glob("w*/state/apps/*/run")]:
            if directory.is_dir():
                self.murder("stop", "--all", "--run-dir", directory, code=None)

    def kill_coordinator(self):
        self.tracker.signal(signal.SIGKILL)
        self.tracker.wait()

    def add_hosts(self, count, groups=("web",), racks=1):
        for _ in range(count):
            number = len(self.hosts) + 1
            self.hosts.append(AgentHost(self, f"w{number}", groups, f"r{number % racks + 1}").start())
        wait_until(lambda: sum(agent["present"] for agent in self.agents()) >= len(self.hosts), "all agents are heard")

    # --- The operators' commands ---

    def ask(self, *arguments, code=0, **options):
        return self.murder(*arguments, "--coordinator", self.coordinator, code=code, cwd=self.directory, **options)

    def ask_json(self, *arguments, code=0, **options):
        return json.loads(self.ask(*arguments, "--json", code=code, **options).stdout)

    def agents(self, *arguments):
        return self.ask_json("agents", *arguments)["agents"]

    def audit(self):
        return [json.loads(line) for line in self.ask("audit", "--json").stdout.splitlines()]

    def rollout(self, app="shop"):
        return next(each for each in self.ask_json("rollout", "status")["rollouts"] if each["app"] == app)

    def publish(self, tag, *arguments, size=200_000, code=0, seed=None):
        source = self.path(f"build-{tag}-{seed}")
        if not source.exists():
            self.make_file(f"{source.name}/data", size, seed=seed or tag)
        return self.ask("release", "publish", source, "--app", "shop", "--tag", tag, "--temp-path", self.temp_path,
                        "--ip", free_address(), *arguments, code=code)

    # Times of tests: the defaults are made for fleets.
    FAST = ("--min-healthy", "200ms", "--healthy-deadline", "10s")

    def fast_unless(self, arguments):
        return self.FAST[:2] if "--healthy-deadline" in arguments else self.FAST

    def start_rollout(self, tag, *arguments, code=0):
        return self.ask_json("rollout", "start", "shop", tag, *self.fast_unless(arguments), *arguments, code=code)

    def roll_out(self, tag, *arguments, code=0):
        """To its end; the rollout as it is then."""
        done = self.ask("rollout", "start", "shop", tag, *self.fast_unless(arguments), "--wait", "--json", *arguments,
                        code=code, timeout=ROLLOUT_SECONDS_MAX)
        return json.loads(done.stdout)

    def wait_for_state(self, state):
        return wait_until(lambda: (now := self.rollout())["state"] == state and now,
                          f"the rollout is {state}; it is {self.rollout()}", ROLLOUT_SECONDS_MAX)

    def wait_for_current(self, tag, hosts=None):
        wait_until(lambda: all(host.current == tag for host in hosts or self.hosts),
                   f"all run {tag}; they run {[host.current for host in self.hosts]}", ROLLOUT_SECONDS_MAX)


def content_of(host, tag):
    return pathlib.Path(host.to, tag, "data").read_bytes()
