"""A coordinator that is killed and started again: what anybody was told is there, and the rollout goes on."""

import hashlib
import json
import signal
import unittest

from coordinator_case import CoordinatorCase
from fleet_keys import key_line, new_secret, signed_target, write_keys
from harness import free_address, free_port, wait_until


class Restarts(CoordinatorCase):
    def setUp(self):
        super().setUp()
        self.state = self.path("state")

    def restart(self, number=signal.SIGKILL):
        code = self.kill_coordinator(number)
        self.start_coordinator(state=self.state, endpoint=self.coordinator)
        return code

    def come_back(self, *agents):
        for agent in agents:
            agent.connect(self.coordinator)
            agent.hear_until(lambda each: each.greeting_number > 0, "a greeting")
        self.serve(*agents)

    def audit(self):
        lines = self.ask("GET", "/control/audit?from=0&max=1000")[1].decode().splitlines()
        return [json.loads(line) for line in lines]

    def test_what_was_answered_outlives_kill_9(self):
        self.start_coordinator(state=self.state)
        self.agent("w1", groups=["web"], rack="r1")
        torrent = self.make_torrent("v1")
        published = self.publish("v1", torrent=torrent)
        self.order("start", tag="v1", begin_wall_s=4_000_000_000)
        self.order("pause")
        before = self.audit()
        self.restart()
        rollout = self.rollout()
        self.assertEqual((rollout["state"], rollout["tag"], rollout["targets"]), ("paused", "v1", 1))
        agents = self.must("GET", "/control/agents")["agents"]
        self.assertEqual([(each["host"], each["groups"], each["present"]) for each in agents], [("w1", ["web"], False)])
        self.assertEqual(self.publish("v1", torrent=torrent)["serial"], published["serial"])
        self.assertEqual(self.ask("GET", f"/control/torrent?info_hash={published['info_hash']}"), (200, torrent))
        after = self.audit()
        self.assertEqual(after[:len(before)], before)
        self.assertEqual(after[len(before)]["record"], "started")

    def test_an_order_that_was_given_before_does_not_count_again(self):
        fleet, operator = new_secret(), new_secret()
        keys = write_keys(self.path("keys"), key_line(fleet), key_line(operator, "operator"))
        self.start_coordinator("--fleet-key", keys, state=self.state)
        self.operator_secret = operator
        agent = self.agent("w1", connect=False)
        agent.connect(self.coordinator, secret=fleet)
        agent.hear_until(lambda each: each.greeting_number > 0, "a greeting")
        self.publish("v1")
        self.order("start", tag="v1", begin_wall_s=4_000_000_000)
        empty = hashlib.sha256(b"{}").hexdigest()
        pause = signed_target(operator, f"/control/rollout/pause?app=shop&nonce=1&body_sha256={empty}", kind=b"operator")
        self.operator_secret = None
        self.must("POST", pause, {})
        self.assertEqual(self.ask("POST", pause, {})[0], 403)
        self.operator_secret = operator
        self.order("resume")
        self.kill_coordinator()
        self.start_coordinator("--fleet-key", keys, state=self.state, endpoint=self.coordinator)
        self.operator_secret = None
        status, answer = self.ask("POST", pause, {})
        self.assertEqual((status, answer[:6]), (403, b"clock "))
        self.operator_secret = operator
        self.assertEqual(self.rollout()["state"], "running")
        self.order("pause")

    def test_a_rollout_goes_on_and_nobody_is_told_twice(self):
        self.start_coordinator(state=self.state)
        agents = [self.agent(f"w{index}") for index in range(3)]
        self.publish("v1")
        # The first is told, and has not activated when the coordinator is killed.
        agents[0].obeys = False
        self.serve(*agents)
        self.order("start", tag="v1", waves="1")
        for agent in agents:
            agent.obeys = True
        told = wait_until(lambda: [each for each in self.audit() if each["record"] == "told"], "the first is told")
        self.restart()
        self.come_back(*agents)
        rollout = self.wait_for_state("done")
        self.assertEqual(rollout["counts"]["healthy"], 3, rollout)
        records = self.audit()
        self.assertEqual([each for each in records if each["record"] == "told"][0], told[0])
        self.assertEqual(sorted(each["host"] for each in records if each["record"] == "told"), ["w0", "w1", "w2"])

    def test_it_is_killed_again_and_again_and_every_host_gets_there(self):
        self.start_coordinator(state=self.state)
        agents = [self.agent(f"w{index}") for index in range(4)]
        self.serve(*agents)
        release = self.publish("v1")["info_hash"]
        self.order("start", tag="v1", waves="1,2,3")
        for _ in range(5):
            self.restart()
            self.come_back(*agents)
        self.wait_for_state("done")
        self.assertEqual({agent.active() for agent in agents}, {release})
        self.assertEqual(self.rollout()["unsettled_count"], 0)

    def test_sigterm_ends_it_in_order(self):
        self.start_coordinator(state=self.state)
        agent = self.agent("w1")
        self.assertEqual(self.restart(signal.SIGTERM), 0)
        self.assertEqual(agent.link.read_to_end(), "")
        self.assertEqual(len(self.must("GET", "/control/agents")["agents"]), 1)

    def test_a_state_has_one_coordinator(self):
        self.start_coordinator(state=self.state)
        address = free_address()
        second = self.murder("tracker", "--listen", f"{address}:{free_port(address)}", "--state", self.state, code=1)
        self.assertIn(str(self.tracker.pid), second.stderr)
        self.kill_coordinator()
        self.start_coordinator(state=self.state)


if __name__ == "__main__":
    unittest.main()
