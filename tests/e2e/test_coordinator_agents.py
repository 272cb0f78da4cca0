"""The coordinator with real agents: releases get onto hosts, also when it is killed in between."""

import json
import os
import struct
import subprocess
import unittest

from coordinator_case import CoordinatorCase
from fleet_keys import key_line, new_secret, write_keys
from harness import PROGRAM, Running, free_address, free_port, wait_until


class RealAgents(CoordinatorCase):
    def setUp(self):
        super().setUp()
        self.addCleanup(self._end_peers)

    def _end_peers(self):
        for run in [*self.directory.glob("agents/*/state/apps/*/run"), *self.path("state", "releases").glob("*/run")]:
            self.murder("stop", "--all", "--run-dir", run, code=None)

    def start_agent(self, host, app="", **keys):
        """`app`: further lines of [app.shop]."""
        place = self.path("agents", host)
        place.mkdir(parents=True, exist_ok=True)
        lines = [f"coordinators = {json.dumps([self.coordinator])}", f"host = {json.dumps(host)}",
                 f"state = {json.dumps(str(place / 'state'))}", f"ip = {json.dumps(free_address())}", 'seed_for = "1s"']
        lines += [f"{key} = {json.dumps(value)}" for key, value in keys.items()]
        lines += ["[app.shop]", f"to = {json.dumps(str(place / 'srv'))}", app]
        config = place / "agent.toml"
        config.write_text("\n".join(lines) + "\n")
        config.chmod(0o600)
        running = Running(self, [PROGRAM, "agent", "--config", str(config)],
                          dict(self.environment, MURDER_RUN_DIR=str(place / "run")))
        self.started.append(running)
        return running

    def current(self, host):
        link = self.path("agents", host, "srv", "current")
        return os.readlink(link) if link.is_symlink() else None

    def publish_tree(self, tag):
        source = self.path(f"tree-{tag}")
        source.mkdir()
        (source / "version").write_text(tag)
        torrent = self.create(source, tag, tracker=f"http://{self.coordinator}/announce")
        self.seed(torrent)
        return self.publish(tag, torrent=torrent.read_bytes())

    def wait_for_agents(self, count):
        wait_until(lambda: sum(agent["present"] for agent in self.must("GET", "/control/agents")["agents"]) == count,
                   f"{count} agents are present")

    def test_a_rollout_its_undo_and_a_coordinator_that_is_killed_in_between(self):
        hosts = ["w1", "w2", "w3"]
        self.start_coordinator(state=self.path("state"))
        running = [self.start_agent(host, groups=["web"]) for host in hosts]
        self.wait_for_agents(3)
        self.publish_tree("v1")
        self.order("start", tag="v1", waves="1", min_healthy_s=0.2)
        self.wait_for_state("done")
        self.assertEqual([self.current(host) for host in hosts], ["v1"] * 3)
        self.publish_tree("v2")
        self.order("start", tag="v2", waves="1,2", min_healthy_s=0.2, bake_s=0.5)
        wait_until(lambda: "v2" in [self.current(host) for host in hosts], "the first host runs v2")
        self.kill_coordinator()
        self.start_coordinator(state=self.path("state"), endpoint=self.coordinator)
        self.wait_for_state("done")
        self.assertEqual([self.current(host) for host in hosts], ["v2"] * 3)
        self.order("undo")
        self.wait_for_state("undone")
        self.assertEqual([self.current(host) for host in hosts], ["v1"] * 3)
        for each in running:
            each.end()
            self.assertEqual(each.process.returncode, 0, each.error)

    def test_a_host_that_fails_its_health_check_holds_the_rollout(self):
        self.start_coordinator(state=self.path("state"))
        self.start_agent("w1", app='health = "test ! -e %s"' % self.path("bad"))
        self.wait_for_agents(1)
        self.path("bad").write_text("")
        self.publish_tree("v1")
        self.order("start", tag="v1", healthy_deadline_s=1, min_healthy_s=0.1)
        rollout = self.wait_for_state("held")
        self.assertEqual([each["host"] for each in rollout["unsettled"]], ["w1"], rollout)

    # --- Agents for the time of a deploy ---

    def start_once(self, host, key=None):
        """`murder agent --once --stdio`, and `murder relay` at its other end. With a key the fleet is closed."""
        place = self.path("agents", host)
        place.mkdir(parents=True)
        config = "\n".join((*([key] if key else []), 'coordinators = ["nowhere.invalid"]', f"host = {json.dumps(host)}",
                            *([] if key else ["open = true"]),
                            f"ip = {json.dumps(free_address())}", "[app.shop]", f"to = {json.dumps(str(place / 'srv'))}"))
        environment = dict(self.environment, MURDER_RUN_DIR=str(place / "run"))
        agent = subprocess.Popen([PROGRAM, "agent", "--once", "--stdio", "--token", "ab1"], stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment)
        agent.stdin.write(struct.pack(">I", len(config)) + config.encode())
        agent.stdin.flush()
        relay = subprocess.Popen([PROGRAM, "relay", "--coordinator", self.coordinator],
                                 stdin=agent.stdout, stdout=agent.stdin, stderr=subprocess.DEVNULL, env=environment)
        agent.stdin.close()
        agent.stdout.close()
        for process in (relay, agent):
            self.addCleanup(process.wait, 60)
            self.addCleanup(process.terminate)
        return agent, relay

    def test_a_host_that_does_not_reach_the_coordinator_is_passed_on(self):
        self.start_coordinator(state=self.path("state"))
        agent, relay = self.start_once("w1")
        self.wait_for_agents(1)
        self.publish_tree("v1")
        self.order("start", tag="v1", min_healthy_s=0.1)
        self.wait_for_state("done")
        self.assertEqual(self.current("w1"), "v1")
        # Another coordinator is connected to, and hears of it.
        self.kill_coordinator()
        self.start_coordinator(state=self.path("state"), endpoint=self.coordinator)
        self.wait_for_agents(1)
        self.publish_tree("v2")
        self.order("start", tag="v2", min_healthy_s=0.1)
        self.wait_for_state("done")
        self.assertEqual(self.current("w1"), "v2")
        self.must("POST", "/control/end", {})
        self.assertEqual((agent.wait(60), relay.wait(60)), (0, 0))
        self.assertEqual(list(self.path("agents", "w1", "run").glob("agent*")), [])

    def test_in_a_closed_fleet_the_key_is_proven_through_the_relay(self):
        secret, self.operator_secret = new_secret(), new_secret()
        keys = write_keys(self.path("keys"), key_line(secret), key_line(self.operator_secret, "operator"))
        self.start_coordinator("--fleet-key", keys, state=self.path("state"))
        agent, relay = self.start_once("w1", key_line(secret))
        self.wait_for_agents(1)
        # Another coordinator: both prove the key once more.
        self.kill_coordinator()
        self.start_coordinator("--fleet-key", keys, state=self.path("state"), endpoint=self.coordinator)
        self.wait_for_agents(1)
        self.must("POST", "/control/end", {})
        self.assertEqual((agent.wait(60), relay.wait(60)), (0, 0))
        self.assertEqual(list(self.path("agents", "w1", "run").glob("agent*")), [])

    def test_the_end_of_what_passes_frames_on_is_the_end_of_the_lease(self):
        place = self.path("run-of-once")
        config = f'coordinators = ["nowhere.invalid"]\n[app.shop]\nto = "{self.path("srv")}"\n'.encode()
        agent = subprocess.run([PROGRAM, "agent", "--once", "--stdio", "--lease", "1s"], capture_output=True, timeout=60,
                               input=struct.pack(">I", len(config)) + config, check=False,
                               env=dict(self.environment, MURDER_RUN_DIR=str(place)))
        self.assertEqual((agent.returncode, agent.stdout), (1, b""), agent.stderr)
        self.assertEqual(list(place.glob("agent*")), [])
        for wrong in (b"", b"\0\0", b"\xff\xff\xff\xff", struct.pack(">I", 1) + b"["):
            run = subprocess.run([PROGRAM, "agent", "--once", "--stdio"], input=wrong, capture_output=True, timeout=60,
                                 check=False, env=self.environment)
            self.assertEqual((run.returncode, run.stdout), (1, b""), run.stderr)
            self.assertIn(b"standard input", run.stderr)

    def test_relay_says_that_nobody_answers(self):
        address = free_address()
        asked = b'{"type":"link","target":"/control/agent"}'
        run = subprocess.run([PROGRAM, "relay", "--coordinator", f"{address}:{free_port(address)}"],
                             input=struct.pack(">I", len(asked)) + asked,
                             capture_output=True, timeout=60, check=False, env=self.environment)
        self.assertEqual(run.returncode, 1)
        self.assertIn(b"cannot connect", run.stderr)
        self.assertIn(b'"unlinked"', run.stdout)  # for the agent


if __name__ == "__main__":
    unittest.main()
