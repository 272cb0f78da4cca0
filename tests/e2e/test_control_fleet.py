"""The whole control plane on one machine: a coordinator, agents, and operators who publish, roll out, undo and revoke."""

import json
import unittest

from control_case import AgentHost, ControlCase, content_of
from harness import wait_until


class Rollouts(ControlCase):
    def test_a_release_gets_onto_every_host_in_waves(self):
        self.add_hosts(4)
        published = self.publish("v1")
        self.assertIn("shop v1", published.stdout)
        rollout = self.roll_out("v1", "--groups", "web", "--waves", "1,50%,100%", "--bake", "200ms")
        self.assertEqual((rollout["state"], rollout["counts"]["healthy"]), ("done", 4))
        for host in self.hosts:
            self.assertEqual(host.current, "v1")
            self.assertEqual(content_of(host, "v1"), self.path("build-v1-None/data").read_bytes())
            self.assertEqual(host.activated(), ["v1"])
        waves = [record["wave"] for record in self.audit() if record["record"] == "wave"]
        self.assertEqual(waves, [1, 2])
        self.assertEqual(self.agents("--not-at", "v1"), [])

    def test_only_the_groups_that_were_named(self):
        self.add_hosts(1, groups=("web",))
        self.add_hosts(1, groups=("db",))
        self.publish("v1")
        self.roll_out("v1", "--groups", "web")
        self.assertEqual([host.current for host in self.hosts], ["v1", None])
        self.assertEqual([agent["host"] for agent in self.agents("--not-at", "v1")], ["w2"])
        self.assertEqual([agent["host"] for agent in self.agents("--group", "web")], ["w1"])

    def test_the_same_again_is_done_at_once(self):
        self.add_hosts(2)
        self.publish("v1")
        self.roll_out("v1")
        rollout = self.roll_out("v1")
        self.assertEqual(rollout["counts"]["healthy"], 2)
        self.assertEqual([host.activated() for host in self.hosts], [["v1"], ["v1"]])

    def test_one_that_runs_refuses_another(self):
        self.add_hosts(1)
        self.publish("v1")
        self.publish("v2")
        self.start_rollout("v1", "--bake", "1h", "--waves", "1,100%")
        refused = self.ask("rollout", "start", "shop", "v2", code=1)
        self.assertIn("shop", refused.stderr)
        self.ask("rollout", "abort", "shop")
        self.wait_for_state("aborted")
        self.roll_out("v2")
        self.wait_for_current("v2")

    def test_a_tag_with_other_bytes_is_refused(self):
        self.publish("v1")
        self.publish("v1")
        refused = self.publish("v1", seed="other", code=1)
        self.assertIn("another tag", refused.stderr)
        self.assertEqual(len(self.ask_json("release", "list")["releases"]), 1)


class BadHosts(ControlCase):
    def start_with_one_bad_held(self):
        self.add_hosts(4)
        self.publish("v1")
        self.publish("v2")
        self.roll_out("v1")
        for host in self.hosts:
            host.fail_at("v2")
        rollout = self.roll_out("v2", "--healthy-deadline", "2s", "--max-fail", "1", "--waves", "1,100%", code=3)
        self.assertEqual(rollout["state"], "held")
        return rollout

    def test_a_bad_host_holds_the_rollout_and_is_named(self):
        rollout = self.start_with_one_bad_held()
        bad = [host for host in self.hosts if host.name in {each["host"] for each in rollout["unsettled"]}]
        self.assertTrue(bad)
        self.assertIn(self.hosts[0].name, str(rollout["unsettled"]))

    def test_held_then_resumed_once_it_is_mended(self):
        self.start_with_one_bad_held()
        for host in self.hosts:
            host.fail_at()
        self.ask("rollout", "resume", "shop")
        self.wait_for_state("done")
        self.wait_for_current("v2")

    def test_held_then_undone(self):
        self.start_with_one_bad_held()
        self.ask("rollout", "undo", "shop")
        self.wait_for_state("undone")
        self.wait_for_current("v1")

    def test_a_bad_host_takes_the_rollout_back(self):
        self.add_hosts(4)
        self.publish("v1")
        self.publish("v2")
        self.roll_out("v1")
        for host in self.hosts:
            host.fail_at("v2")
        rollout = self.roll_out("v2", "--healthy-deadline", "2s", "--max-fail", "1", "--waves", "50%,100%",
                                "--on-failure", "rollback", code=5)
        self.assertEqual(rollout["state"], "undone")
        self.wait_for_current("v1")
        told = [record for record in self.audit() if record["record"] == "told" and not record["back"]]
        self.assertLessEqual(len(told), 4 + 2, "the second wave was not told")

    def test_a_host_that_is_down_converges_when_it_is_back(self):
        self.add_hosts(3)
        self.publish("v1")
        self.publish("v2")
        self.roll_out("v1")
        self.hosts[2].kill()
        self.start_rollout("v2")
        self.wait_for_current("v2", self.hosts[:2])
        self.assertEqual(self.hosts[2].current, "v1")
        self.hosts[2].start()
        self.wait_for_current("v2")
        self.wait_for_state("done")


class Orders(ControlCase):
    def test_paused_nothing_moves_and_resumed_it_does(self):
        self.add_hosts(3)
        self.publish("v1")
        self.start_rollout("v1", "--waves", "1,100%", "--bake", "3s")
        wait_until(lambda: self.rollout()["counts"]["healthy"] == 1, "the first wave is healthy")
        self.ask("rollout", "pause", "shop")
        self.assertEqual(self.rollout()["state"], "paused")
        self.ask("rollout", "resume", "shop")
        self.wait_for_state("done")
        self.wait_for_current("v1")

    def test_undone_after_it_was_done(self):
        self.add_hosts(2)
        for tag in ("v1", "v2"):
            self.publish(tag)
            self.roll_out(tag)
        self.ask("rollout", "undo", "shop")
        self.ask("rollout", "status", "shop", "--watch", code=5)
        self.assertEqual([host.current for host in self.hosts], ["v1", "v1"])
        history = self.ask_json("rollout", "history", "shop")["rollouts"]
        self.assertEqual(sorted((each["tag"], each["state"]) for each in history), [("v1", "done"), ("v2", "undone")])

    def test_what_is_revoked_is_not_activated(self):
        self.add_hosts(2)
        self.publish("v1")
        self.roll_out("v1")
        self.publish("v2")
        self.start_rollout("v2", "--at", "+1h")
        wait_until(lambda: self.rollout()["counts"]["ready"] == 2, "both have fetched it")
        self.ask("release", "revoke", "shop", "v2", "--why", "loses orders")
        self.wait_for_state("held")
        self.assertTrue(self.ask_json("release", "show", "shop", "v2")["revoked"])
        self.ask("rollout", "resume", "shop", code=1)
        self.assertEqual([host.current for host in self.hosts], ["v1", "v1"])
        refused = self.ask("rollout", "start", "shop", "v2", code=1)
        self.assertIn("revoked", refused.stderr)

    def test_the_log_says_who_did_what(self):
        self.add_hosts(1)
        self.publish("v1")
        self.roll_out("v1")
        records = self.audit()
        numbers = [record["number"] for record in records]
        self.assertEqual(numbers, sorted(set(numbers)))
        by_kind = {record["record"]: record for record in records}
        for kind in ("release", "rollout"):
            self.assertRegex(by_kind[kind]["by"], r"\S+@\S+")
        self.assertEqual(by_kind["outcome"]["host"], "w1")
        self.assertEqual(by_kind["outcome"]["stage"], "healthy")
        self.assertEqual(len(self.ask("audit").stdout.splitlines()), len(records))


class Approvals(ControlCase):
    def test_a_new_host_waits_until_it_is_approved(self):
        self.tracker.end()
        self.start_coordinator("--enrol", "approve")
        host = AgentHost(self, "w1", ("web",), "r1").start()
        self.hosts.append(host)
        waiting, = wait_until(lambda: self.ask_json("agents", "--waiting")["waiting"], "it waits")
        self.assertEqual(waiting["host"], "w1")
        self.assertIn(waiting["identity"], self.ask("agents", "--waiting").stdout)
        self.assertEqual(self.agents(), [])
        self.ask("agents", "--approve", "w1", "--identity", "SHA256:another", code=1)
        self.ask("agents", "--approve", "w1", "--identity", waiting["identity"])
        wait_until(lambda: [agent["present"] for agent in self.agents()] == [True], "it is heard")
        self.assertEqual(self.agents()[0]["identity"], waiting["identity"])
        self.publish("v1")
        self.roll_out("v1")
        self.wait_for_current("v1")


class Restarts(ControlCase):
    def test_a_coordinator_that_is_killed_in_the_middle_of_a_wave(self):
        self.add_hosts(4)
        self.publish("v1")
        self.publish("v2")
        self.roll_out("v1")
        follower = self.start("rollout", "start", "shop", "v2", "--waves", "1,2,3,100%", "--bake", "500ms", *self.FAST,
                              "--wait", "--coordinator", self.coordinator)
        wait_until(lambda: self.rollout()["counts"]["healthy"] >= 1, "the first host is healthy")
        self.kill_coordinator()
        self.start_coordinator()
        self.assertEqual(follower.wait(), 0, follower.error)
        self.wait_for_current("v2")
        wait_until(lambda: [host.activated() for host in self.hosts] == [["v1", "v2"]] * 4, "each hook has run once")

    def test_what_the_operator_did_before_is_known_after(self):
        self.publish("v1")
        before = self.ask_json("release", "list")
        self.kill_coordinator()
        self.start_coordinator()
        after = self.ask_json("release", "list")
        self.assertEqual([each["tag"] for each in after["releases"]], [each["tag"] for each in before["releases"]])
        self.assertEqual(json.dumps(after["releases"][0]["info_hash"]), json.dumps(before["releases"][0]["info_hash"]))


if __name__ == "__main__":
    unittest.main()
