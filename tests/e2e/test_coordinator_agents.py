"""The coordinator with real agents: releases get onto hosts, also when it is killed in between."""

import json
import os
import unittest

from coordinator_case import CoordinatorCase
from harness import PROGRAM, Running, free_address, wait_until


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


if __name__ == "__main__":
    unittest.main()
