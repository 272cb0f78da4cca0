"""Coordinators that are killed: one with a state of its own, and two that share one in etcd."""

import json
import os
import pathlib
import signal
import threading
import time
import unittest

from coordinator_case import CoordinatorCase
from etcd_servers import HAS_ETCD, NEEDS_ETCD, EtcdServers
from fake_agent import Refused
from harness import free_address, free_port, is_alive, wait_until
from signing import HAS_SSH_KEYGEN


class Wanderer(threading.Thread):
    """An agent that goes from one coordinator to the next until one takes it, again and again."""

    def __init__(self, agent, coordinators):
        super().__init__(daemon=True)
        self.agent, self.coordinators, self.is_over, self.fault = agent, coordinators, False, None

    def run(self):
        while not self.is_over:
            for coordinator in self.coordinators:
                try:
                    self.agent.connect(coordinator)
                    self._stay()
                except (Refused, OSError, EOFError):
                    self.agent.close()
                except AssertionError as error:  # such as a revision that went back
                    self.fault, self.is_over = error, True
                    return
            time.sleep(0.2)

    def _stay(self):
        while not self.is_over:
            try:
                self.agent.hear(seconds=1)
            except TimeoutError:
                self.agent.report()


class KilledCoordinators(CoordinatorCase):
    def setUp(self):
        super().setUp()
        self.wanderers = []
        self.addCleanup(self._end_wanderers)

    def _end_wanderers(self):
        for wanderer in self.wanderers:
            wanderer.is_over = True
        for wanderer in self.wanderers:
            wanderer.join(30)
            self.assertIsNone(wanderer.fault)

    def wait_until_it_leads(self):
        wait_until(lambda: self.ask("GET", "/control/agents")[0] == 200, "it leads", 60)

    def wait_until_known(self, count):
        def are_known():
            status, answer = self.ask("GET", "/control/agents")
            return status == 200 and answer["count"] == count
        wait_until(are_known, f"{count} agents are known", 60)

    def start_agents(self, count, coordinators):
        agents = [self.agent(f"w{index}", connect=False) for index in range(count)]
        for agent in agents:
            self.wanderers.append(Wanderer(agent, coordinators))
            self.wanderers[-1].start()
        self.wait_until_known(count)
        return agents

    def wait_for_healthy(self, count):
        return wait_until(lambda: self.rollout()["counts"]["healthy"] >= count and self.rollout(), f"{count} are healthy")

    def audit(self):
        lines = self.ask("GET", "/control/audit?from=0&max=1000")[1].decode().splitlines()
        records = [json.loads(line) for line in lines]
        self.assertEqual([record["number"] for record in records], list(range(1, len(records) + 1)))
        return records

    def check_all_went_on(self, before, agents, release, starts):
        """The same rollout is done; nobody was told twice."""
        after = self.wait_for_state("done")
        self.assertEqual(after["number"], before["number"])
        self.assertEqual(after["counts"]["healthy"], len(agents), after)
        self.assertEqual({agent.active() for agent in agents}, {release})
        records = self.audit()
        told = [record["host"] for record in records if record["record"] == "told"]
        self.assertEqual(sorted(told), sorted(agent.host for agent in agents))
        self.assertGreaterEqual(sum(record["record"] == "started" for record in records), starts)


@unittest.skipUnless(HAS_SSH_KEYGEN, "needs ssh-keygen")
class OwnState(KilledCoordinators):
    def test_killed_in_the_middle_of_a_rollout_and_started_again_it_goes_on(self):
        state = self.path("state")
        endpoint = self.start_coordinator(state=state)
        agents = self.start_agents(5, [endpoint])
        release = self.publish("v1")["info_hash"]
        torrent = self.ask("GET", f"/control/torrent?info_hash={release}")
        self.order("start", tag="v1", waves="1,2,100%", bake_s=1)
        before = self.wait_for_healthy(1)
        for _ in range(3):
            self.kill_coordinator()
            self.start_coordinator(state=state, endpoint=endpoint)
            self.wait_until_it_leads()
        self.check_all_went_on(before, agents, release, starts=4)
        self.assertEqual(self.ask("GET", f"/control/torrent?info_hash={release}"), torrent)

    def test_a_second_one_is_refused_and_told_who_has_the_state(self):
        state = self.path("state")
        self.start_coordinator(state=state)
        address = free_address()
        second = self.start("tracker", "--listen", f"{address}:{free_port(address)}", "--state", state)
        self.assertEqual(second.wait(), 1)
        self.assertIn(f"pid {self.tracker.pid}", second.error)
        self.assertIn("one coordinator at a time", second.error)
        self.assertTrue(is_alive(self.tracker.pid))

    def test_the_state_is_shown_beside_the_coordinator(self):
        state = self.path("state")
        endpoint = self.start_coordinator(state=state)
        release = self.publish("v1")["info_hash"]
        shown = self.murder_json("state", state)
        self.assertEqual((shown["leader"], shown["torrents"], shown["oldest_number"]), (endpoint, [release], 1))
        lines = [json.loads(line) for line in self.murder("state", state, "--log").stdout.splitlines()]
        self.assertEqual([line["record"] for line in lines], ["started", "release"])
        audit = [json.loads(line) for line in self.murder("state", state, "--audit", "2").stdout.splitlines()]
        self.assertEqual([(line["number"], line["change"]["tag"]) for line in audit], [(2, "v1")])
        self.assertIn("in use by", self.murder("state", state, "--put-back", code=1).stderr)
        self.kill_coordinator(signal.SIGTERM)
        origin = lines[0]["origin"]
        self.murder("state", state, "--put-back")
        shown = self.murder_json("state", state)
        self.assertEqual((shown["leader"], shown["last_number"], shown["torrents"]), ("", 2, [release]))
        self.assertNotIn(str(origin), self.murder("state", state, "--log").stdout)
        self.start_coordinator(state=state, endpoint=endpoint)
        self.wait_until_it_leads()
        self.assertEqual([each["tag"] for each in self.must("GET", "/control/releases")["releases"]], ["v1"])


class SharedPair(KilledCoordinators):
    """Two coordinators that share a state in three servers of etcd."""

    def setUp(self):
        super().setUp()
        self.etcd = EtcdServers()
        self.addCleanup(self.etcd.close)
        self.pair = []
        for _ in range(2):
            self.start_coordinator(state=self.etcd.spec())
            self.pair.append((self.coordinator, self.tracker))
        self.turn_to_leader()

    def turn_to_leader(self):
        """What is asked from now on is asked of it. Its place in the pair."""
        def find():
            for place, (self.coordinator, self.tracker) in enumerate(self.pair):
                if is_alive(self.tracker.pid) and self.ask("GET", "/control/agents")[0] == 200:
                    return (place,)
            return None
        return wait_until(find, "one of the two leads", 60)[0]


@unittest.skipUnless(HAS_SSH_KEYGEN, "needs ssh-keygen")
@unittest.skipUnless(HAS_ETCD, NEEDS_ETCD)
class SharedState(SharedPair):
    def test_one_leads_and_the_other_names_it(self):
        leader = self.turn_to_leader()
        address = self.coordinator
        self.coordinator = self.pair[1 - leader][0]
        for method, target in (("GET", "/control/agents"), ("POST", "/control/rollout/undo?app=shop"),
                               ("GET", "/control/audit?from=0")):
            status, answer = self.ask(method, target, {} if method == "POST" else None)
            self.assertEqual((status, answer["leader"]), (421, address), answer)
        with self.assertRaisesRegex(Refused, f"421 .*{address}"):
            self.agent("w1", known=False)

    def test_one_that_ends_gives_the_lead_to_the_other(self):
        leader = self.turn_to_leader()
        self.publish("v1")
        self.kill_coordinator(signal.SIGTERM)
        self.assertEqual(self.turn_to_leader(), 1 - leader)
        self.assertEqual([each["tag"] for each in self.must("GET", "/control/releases")["releases"]], ["v1"])

    def test_leader_and_a_server_of_etcd_killed_in_the_middle_of_a_rollout(self):
        leader = self.turn_to_leader()
        agents = self.start_agents(5, [coordinator for coordinator, _ in self.pair])
        release = self.publish("v1")["info_hash"]
        self.order("start", tag="v1", waves="1,2,100%", bake_s=2)
        before = self.wait_for_healthy(1)
        self.assertEqual(before["state"], "running")
        os.kill(self.tracker.pid, signal.SIGKILL)
        self.etcd.kill(self.etcd.leader())
        # After 6 to 8 s: the lease, and an election of etcd's.
        self.assertEqual(self.turn_to_leader(), 1 - leader)
        self.check_all_went_on(before, agents, release, starts=2)

    def test_a_leader_that_stood_still_does_nothing_more(self):
        leader = self.turn_to_leader()
        agents = self.start_agents(3, [coordinator for coordinator, _ in self.pair])
        release = self.publish("v1")["info_hash"]
        asleep = self.tracker
        os.kill(asleep.pid, signal.SIGSTOP)
        try:
            self.coordinator, self.tracker = self.pair[1 - leader]
            self.wait_until_it_leads()
            self.order("start", tag="v1")
        finally:
            os.kill(asleep.pid, signal.SIGCONT)
        self.wait_for_state("done")
        self.assertEqual({agent.active() for agent in agents}, {release})
        self.assertTrue(is_alive(asleep.pid))


@unittest.skipUnless(HAS_ETCD, NEEDS_ETCD)
class RealAgents(SharedPair):
    """`murder agent` on each host, which fetches the release from a seeder by the trackers of both coordinators."""

    def start_host(self, name):
        place = self.path(name)
        place.mkdir()
        coordinators = json.dumps([coordinator for coordinator, _ in self.pair])
        config = place / "agent.toml"
        config.write_text(f'coordinators = {coordinators}\nhost = "{name}"\nstate = "{place}/state"\nseed_for = "1s"\n'
                          f'ip = "{free_address()}"\n[app.shop]\nto = "{place}/srv"\n')
        config.chmod(0o600)
        self.addCleanup(lambda: [self.murder("stop", "--all", "--run-dir", run, code=None)
                                 for run in place.glob("state/apps/*/run")])
        self.start("agent", "--config", config)
        return place

    def current(self, place):
        link = place / "srv" / "current"
        return os.readlink(link) if link.is_symlink() else None

    def test_leader_and_a_server_of_etcd_killed_in_the_middle_of_a_rollout(self):
        leader = self.turn_to_leader()
        hosts = [self.start_host(f"w{number}") for number in range(1, 4)]
        self.wait_until_known(len(hosts))
        source = self.make_file("source/data", 500_000).parent
        made = self.murder_json("create", source, "--tag", "v1", "--temp-path", self.temp_path,
                                *(word for coordinator, _ in self.pair for word in ("--tracker", coordinator)))
        self.seed(made["torrent"])
        self.publish("v1", torrent=pathlib.Path(made["torrent"]).read_bytes())
        self.order("start", tag="v1", waves="1,100%", bake_s=3, min_healthy_s=0)
        wait_until(lambda: self.rollout()["counts"]["healthy"] >= 1, "one host is healthy", 60)
        before = self.rollout()
        self.assertEqual(before["state"], "running")
        os.kill(self.tracker.pid, signal.SIGKILL)
        self.etcd.kill(self.etcd.leader())
        self.assertEqual(self.turn_to_leader(), 1 - leader)
        wait_until(lambda: self.rollout()["state"] == "done", "all hosts have it", 120)
        self.assertEqual(self.rollout()["number"], before["number"])
        for place in hosts:
            self.assertEqual(self.current(place), "v1")
            self.assertEqual((place / "srv" / "v1" / "data").read_bytes(), (source / "data").read_bytes())
        told = [record["host"] for record in self.audit() if record["record"] == "told"]
        self.assertEqual(sorted(told), ["w1", "w2", "w3"])


if __name__ == "__main__":
    unittest.main()
