"""Agents with a real coordinator: a release goes to all of them in waves, a bad one is gone back from, a coordinator that is
killed finds its agents again."""

import http.client
import json
import pathlib
import signal
import unittest

from agent_case import AgentCase, is_alive, wait_until
from harness import PROGRAM, Running, free_address, free_port


class WithCoordinator(AgentCase):
    """Agents w1, w2 and so on, each with a configuration and a state of its own below its name."""

    def setUp(self):
        super().setUp()
        self.store = self.path("store")
        self.address = free_address()
        self.port = free_port(self.address)
        self.place = f"{self.address}:{self.port}"
        self.tracker = self.place
        self.start_coordinator()

    def start_coordinator(self):
        running = Running(self, [PROGRAM, "tracker", "--listen", self.place, "--state", str(self.store)], self.environment)
        self.started.append(running)

        def answers():
            try:
                return self.ask("GET", "/control/releases")["releases"] is not None
            except (OSError, KeyError, json.JSONDecodeError, http.client.HTTPException):
                return False

        wait_until(answers, f"the coordinator answers: {running.error}")
        self.coordinator_process = running
        return running

    def ask(self, method, target, body=None, expect=None):
        connection = http.client.HTTPConnection(self.address, self.port, timeout=20, source_address=("127.0.0.1", 0))
        try:
            connection.request(method, target, body=body)
            reply = connection.getresponse()
            answer = json.loads(reply.read())
            if expect is not None:
                self.assertEqual(reply.status, expect, answer)
            return answer
        finally:
            connection.close()

    def agent(self, host, app="", **keys):
        place = self.path(host)
        place.mkdir(exist_ok=True)
        config = place / "agent.toml"
        lines = [f'coordinators = ["{self.place}"]', f'host = "{host}"', f'state = "{place}/state"', 'seed_for = "1s"',
                 *(f"{key} = {value}" for key, value in keys.items()), "[app.shop]", f'to = "{place}/srv"', app]
        config.write_text("\n".join(lines) + "\n")
        config.chmod(0o600)
        self.addCleanup(self._end_of, place)
        running = Running(self, [PROGRAM, "agent", "--config", str(config)], self.environment)
        self.started.append(running)
        return running

    def _end_of(self, place):
        for run in place.glob("state/apps/*/run"):
            self.murder("stop", "--all", "--run-dir", run, code=None)

    def publish(self, tag):
        source = self.path(f"source-{tag}")
        source.mkdir()
        (source / "version").write_text(tag)
        made = self.murder_json("create", source, "--tag", tag, "--temp-path", self.temp_path, "--tracker", self.tracker)
        self.seed(made["torrent"])
        self.ask("PUT", f"/control/release?app=shop&tag={tag}&by=olga", pathlib.Path(made["torrent"]).read_bytes(), expect=200)
        return made["info_hash"]

    def rollout(self, tag, **plan):
        body = json.dumps({"min_healthy_s": 0, "by": "olga", **plan})
        return self.ask("POST", f"/control/rollout?app=shop&tag={tag}", body, expect=200)

    def state_of_rollout(self):
        return self.ask("GET", "/control/rollouts?app=shop")["rollouts"][0]

    def current_of(self, host):
        link = self.path(host, "srv", "current")
        return link.readlink().name if link.is_symlink() else None


class Rollouts(WithCoordinator):
    def test_a_release_goes_to_all_hosts_in_waves(self):
        hosts = ["w1", "w2", "w3"]
        for host in hosts:
            self.agent(host)
        wait_until(lambda: len(self.ask("GET", "/control/agents")["agents"]) == 3, "all are known")
        identities = {each["identity"] for each in self.ask("GET", "/control/agents")["agents"]}
        self.assertEqual(len(identities), 3)
        self.assertTrue(all(each.startswith("SHA256:") for each in identities), identities)
        self.publish("v1")
        self.rollout("v1", waves="1,100%", max_unavailable="1", bake_s=1)
        wait_until(lambda: self.state_of_rollout()["state"] == "done", "all hosts have it", seconds=60)
        self.assertEqual([self.current_of(host) for host in hosts], ["v1"] * 3)

    def test_a_bad_release_is_gone_back_from_and_the_rollout_says_why(self):
        self.agent("w1", "after_activate = 'test $MURDER_TAG = v1 || (echo no such table >&2; exit 1)'")
        self.publish("v1")
        self.publish("v2")
        wait_until(lambda: self.ask("GET", "/control/agents")["agents"], "it is known")
        self.rollout("v1")
        wait_until(lambda: self.state_of_rollout()["state"] == "done", "v1 is there", seconds=60)
        self.rollout("v2", on_failure="hold")
        wait_until(lambda: self.state_of_rollout()["state"] == "held", "v2 is held", seconds=60)
        # The rollout holds when the failure is known; the host's way back may still be under way then.
        wait_until(lambda: self.current_of("w1") == "v1", "w1 is back at v1")
        self.assertIn("no such table", json.dumps(self.state_of_rollout()))

    def test_a_coordinator_that_is_killed_finds_its_agents_again(self):
        agent = self.agent("w1")
        wait_until(lambda: self.ask("GET", "/control/agents")["agents"], "it is known")
        self.publish("v1")
        self.coordinator_process.signal(signal.SIGKILL)
        self.coordinator_process.wait()
        self.start_coordinator()
        self.rollout("v1")
        wait_until(lambda: self.state_of_rollout()["state"] == "done", "v1 is there", seconds=60)
        self.assertEqual(self.current_of("w1"), "v1")
        self.assertTrue(is_alive(agent.pid))

    def test_an_agent_that_claims_to_be_another_is_refused(self):
        self.agent("w1")
        wait_until(lambda: self.ask("GET", "/control/agents")["agents"], "it is known")
        place = self.path("liar")
        place.mkdir()
        config = place / "agent.toml"
        config.write_text(f'coordinators = ["{self.place}"]\nhost = "w1"\nstate = "{place}/state"\n[app.shop]\nto = "{place}/srv"\n')
        liar = Running(self, [PROGRAM, "agent", "--config", str(config)], self.environment)
        self.started.append(liar)
        wait_until(lambda: "another agent's name" in liar.error, "it is told")


if __name__ == "__main__":
    unittest.main()
