"""Twelve hosts with an agent each, and one with the coordinator: an operator's day, from the first publication to the
log that tells of all of it."""

import hashlib
import json
import os
import secrets
import shutil
import signal
import unittest

from rack_case import PROGRAM, RackCase, wait_until

AGENT = """
host = "{host}"
coordinators = ["{coordinator}"]
groups = ["web"]
rack = "r{rack}"
fleet_key = "/srv/fleet.key"
state = "/var/lib/agent"
[app.shop]
to = "/srv/shop"
after_activate = "readlink /srv/shop/current >> /srv/activations"
health = "! grep -qx $(basename $(readlink /srv/shop/current)) /srv/bad"
"""
FAST = ("--min-healthy", "300ms", "--healthy-deadline", "15s")


def key_line(kind):
    text = f"murder-{kind}-1-{secrets.token_bytes(32).hex()}"
    return f"{text}-{hashlib.sha256(text.encode()).hexdigest()[:8]}\n"


class OperatorsDay(RackCase):
    HOST_COUNT = 13

    def setUp(self):
        super().setUp()
        self.coordinator_host, *self.agent_hosts = self.hosts
        self.coordinator = f"{self.rack.addresses[self.coordinator_host]}:8998"
        self.keys = self.directory / "operator.key"
        self.keys.touch(mode=0o600)
        self.keys.write_text(key_line("fleet") + key_line("operator"))
        fleet_line = self.keys.read_text().splitlines(keepends=True)[0]
        self.running = {}
        self.addCleanup(self.end_all)
        for host in self.hosts:
            self.put(host, "fleet.key", self.keys.read_text() if host == self.coordinator_host else fleet_line, 0o600)
            self.put(host, "bad", "")
        self.on(self.coordinator_host, "sh", "-c", f"mkdir -p /opt/murder && ln -s {PROGRAM} /opt/murder/murder")
        self.start_coordinator()
        wait_until(self.coordinator_answers, "the coordinator answers")
        for number, host in enumerate(self.agent_hosts):
            self.put(host, "agent.toml", AGENT.format(host=host, coordinator=self.coordinator, rack=number % 3))
            self.start_agent(host)
        wait_until(lambda: sum(agent["present"] for agent in self.agents()) == 12, "all agents are heard")

    def put(self, host, name, text, mode=0o644):
        """A file of /srv there."""
        place = self.rack.files_of(host) / "srv" / name
        place.write_text(text)
        place.chmod(mode)

    def start_coordinator(self):
        self.running["coordinator"] = self.start_on(
            self.coordinator_host, PROGRAM, "tracker", "--state", "/var/lib/coordinator", "--fleet-key", "/srv/fleet.key")

    def start_agent(self, host):
        self.running[host] = self.start_on(host, PROGRAM, "agent", "--config", "/srv/agent.toml")

    def coordinator_answers(self):
        process = self.running["coordinator"]
        if process.poll() is not None:
            raise AssertionError(f"the coordinator has ended: {process.communicate()}")
        return self.ask("agents", code=None).returncode == 0

    def kill(self, host, words):
        os.kill(wait_until(lambda: self.process(host, words), f"{words} on {host}"), signal.SIGKILL)
        self.running.pop(host, None)

    def end_all(self):
        self.stop_all()
        for process in self.running.values():
            process.kill()
            process.communicate()

    # --- The operator, on the control host ---

    def ask(self, *words, code=0):
        return self.murder(*words, "--coordinator", self.coordinator, "--operator-key", self.keys, code=code)

    def ask_json(self, *words, code=0):
        return json.loads(self.ask(*words, "--json", code=code).stdout)

    def agents(self, *words):
        return self.ask_json("agents", *words)["agents"]

    def rollout(self):
        return self.ask_json("rollout", "status", "shop")["rollouts"][0]

    def roll_out(self, tag, *words, code=0):
        return self.ask_json("rollout", "start", "shop", tag, "--groups", "web", *FAST[:2 if "--healthy-deadline" in words else 4],
                             "--wait", *words, code=code)

    def publish(self, tag):
        source = self.make_release(f"build-{tag}", 1_000_000, seed=tag)
        self.ask("release", "publish", source, "--app", "shop", "--tag", tag)
        shutil.rmtree(source)  # the laptop is gone
        return source

    def current(self, host):
        try:
            return os.path.basename(os.readlink(self.rack.files_of(host) / "srv" / "shop" / "current"))
        except FileNotFoundError:
            return None

    def wait_for_current(self, tag, hosts=None):
        wait_until(lambda: {self.current(host) for host in hosts or self.agent_hosts} == {tag},
                   f"all run {tag}: {[self.current(host) for host in self.agent_hosts]}")

    def test_an_operators_day(self):
        # A first release, in waves.
        self.publish("v1")
        rollout = self.roll_out("v1", "--waves", "1,25%,100%", "--bake", "500ms")
        self.assertEqual((rollout["state"], rollout["counts"]["healthy"]), ("done", 12))
        self.wait_for_current("v1")
        # One host that does not become healthy holds the next one. Only the first wave was touched.
        self.publish("v2")
        for host in self.agent_hosts:
            self.put(host, "bad", "v2\n")
        rollout = self.roll_out("v2", "--waves", "1,100%", "--max-fail", "1", "--healthy-deadline", "2s", code=3)
        self.assertEqual((rollout["state"], rollout["counts"]["failed"]), ("held", 1))
        wait_until(lambda: "v2" not in map(self.current, self.agent_hosts), "the bad host is back at v1")
        # Undone, over ssh: the command runs on the coordinator's host, which needs no key of ours.
        self.murder("rollout", "undo", "shop", "--coordinator", f"ssh://{self.coordinator_host}/{self.coordinator}",
                    "--operator-key", "/srv/fleet.key")
        wait_until(lambda: self.rollout()["state"] == "undone", "it is undone")
        self.wait_for_current("v1")
        # The same by itself, with a second bad release.
        rollout = self.roll_out("v2", "--waves", "25%,100%", "--max-fail", "1", "--healthy-deadline", "2s",
                                "--on-failure", "rollback", code=5)
        self.wait_for_current("v1")
        # A host that is down converges when it is back; the coordinator is killed in between.
        down = self.agent_hosts[-1]
        self.kill(down, r"murder\S* agent")
        self.publish("v3")
        self.ask("rollout", "start", "shop", "v3", *FAST, "--waves", "1,50%,100%", "--bake", "1s", "--detach")
        wait_until(lambda: self.rollout()["counts"]["healthy"] >= 1, "the first is healthy")
        self.kill(self.coordinator_host, r"murder\S* tracker")
        self.start_coordinator()
        self.wait_for_current("v3", self.agent_hosts[:-1])
        self.assertEqual([agent["host"] for agent in self.agents("--not-at", "v3")], [down])
        self.start_agent(down)
        self.wait_for_current("v3")
        wait_until(lambda: self.rollout()["state"] == "done", "the last host is well for as long as was asked")
        # Paused, nothing moves; revoked, it is held for good.
        self.publish("v4")
        self.ask("rollout", "start", "shop", "v4", *FAST, "--waves", "1,100%", "--bake", "1h", "--detach")
        wait_until(lambda: self.rollout()["counts"]["healthy"] == 1, "the first wave is healthy")
        self.ask("rollout", "pause", "shop")
        self.assertEqual(self.rollout()["state"], "paused")
        self.ask("rollout", "resume", "shop")
        self.ask("release", "revoke", "shop", "v4", "--why", "a test")
        wait_until(lambda: self.rollout()["state"] == "held", "it is held")
        self.ask("rollout", "undo", "shop")
        self.wait_for_current("v3")
        self.ask("rollout", "start", "shop", "v4", code=1)
        # The log tells who did all of it.
        records = [json.loads(line) for line in self.ask("audit", "--json").stdout.splitlines()]
        started = [record for record in records if record["record"] == "rollout"]
        self.assertEqual(len(started), 5)
        for record in started:
            self.assertIn("@control", record["by"])
        self.assertEqual(len([record for record in records if record["record"] == "revoked"]), 1)


if __name__ == "__main__":
    unittest.main()
