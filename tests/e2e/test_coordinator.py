"""The coordinator in a tracker's process: operators over HTTP, agents over their links (made up by fake_agent.py)."""

import contextlib
import json
import random
import socket
import unittest

import fleet_keys
from coordinator_case import CoordinatorCase
from fake_agent import Link, Refused, hello_of
from fleet_keys import key_line, new_secret, signed_target, write_keys
from harness import free_port, is_alive, wait_until
from signing import HAS_SSH_KEYGEN


class Rollouts(CoordinatorCase):
    def test_a_release_goes_to_all_in_waves(self):
        self.start_coordinator()
        agents = [self.agent(f"w{index}", groups=["web"]) for index in range(4)]
        self.serve(*agents)
        published = self.publish("v1")
        self.assertEqual((published["app"], published["tag"], published["number"], published["serial"]),
                         ("shop", "v1", 1, 1))
        self.order("start", tag="v1", waves="1,50%", groups=["web"])
        rollout = self.wait_for_state("done")
        self.assertEqual(rollout["counts"]["healthy"], 4, rollout)
        self.assertEqual(rollout["unsettled_count"], 0, rollout)
        self.assertEqual((rollout["wave"], rollout["waves"], rollout["by"]), (3, 3, "local: ann@test"))
        for agent in agents:
            self.assertEqual(agent.active(), published["info_hash"])
        audit = self.ask("GET", "/control/audit?from=0&max=1000")[1].decode().splitlines()
        records = [json.loads(line) for line in audit]
        self.assertEqual([record["number"] for record in records], list(range(1, len(records) + 1)))
        kinds = [record["record"] for record in records]
        self.assertEqual([record["release_number"] for record in records if record["record"] == "release"], [1])
        self.assertEqual((kinds.count("told"), kinds.count("wave"), kinds.count("rollout")), (4, 2, 1))
        history = self.must("GET", "/control/history?app=shop")["rollouts"]
        self.assertEqual([(past["tag"], past["state"], past["healthy"]) for past in history], [("v1", "done", 4)])

    def test_undo_returns_all_and_revoke_names_the_release(self):
        self.start_coordinator()
        agents = [self.agent(f"w{index}") for index in range(2)]
        self.serve(*agents)
        first = self.publish("v1")["info_hash"]
        self.order("start", tag="v1")
        self.wait_for_state("done")
        second = self.publish("v2")["info_hash"]
        self.order("start", tag="v2")
        self.wait_for_state("done")
        self.assertEqual({agent.active() for agent in agents}, {second})
        self.order("undo")
        self.wait_for_state("undone")
        self.assertEqual({agent.active() for agent in agents}, {first})
        revoked = self.must("POST", "/control/release/revoke?app=shop&tag=v2", {"by": "ann", "why": "leaks"})
        self.assertTrue(revoked["revoked"])
        wait_until(lambda: all(second in agent.wanted["apps"][0]["revoked"] for agent in agents), "agents know")
        self.assertIn("leaks", self.ask("GET", "/control/audit?from=0")[1].decode())
        self.assertEqual(self.ask("POST", "/control/rollout?app=shop&tag=v2", {})[0], 409)

    def test_agents_are_listed_with_what_they_have(self):
        self.start_coordinator()
        here = self.agent("w1", groups=["web"], rack="r1")
        away = self.agent("w2", groups=["eu"])
        self.serve(here, away)
        release = self.publish("v1")
        self.order("start", tag="v1", groups=["web"])
        self.wait_for_state("done")
        away.close()
        wait_until(lambda: [agent["connected"] for agent in self.must("GET", "/control/agents")["agents"]] ==
                   [True, False], "w2 has gone")
        agents = self.must("GET", "/control/agents?group=web")["agents"]
        self.assertEqual(len(agents), 1)
        agent = agents[0]
        self.assertEqual((agent["host"], agent["rack"], agent["groups"], agent["present"], agent["version"]),
                         ("w1", "r1", ["web"], True, "0.1.0"))
        self.assertRegex(agent["identity"], "^SHA256:")
        self.assertEqual(agent["free_bytes"], 10 ** 9)
        self.assertEqual((agent["apps"][0]["active_tag"], agent["apps"][0]["healthy"]), ("v1", True))
        self.assertEqual([agent["host"] for agent in self.must("GET", "/control/agents?not_at=v1")["agents"]], ["w2"])
        listed = self.must("GET", "/control/releases?app=shop")["releases"]
        self.assertEqual([(each["tag"], each["hosts_active"], each["info_hash"]) for each in listed],
                         [("v1", 1, release["info_hash"])])

    def test_pause_holds_what_was_not_told(self):
        self.start_coordinator()
        agents = [self.agent(f"w{index}", obeys=False) for index in range(2)]
        self.serve(*agents)
        self.publish("v1")
        self.order("start", tag="v1", waves="1")
        self.order("pause")
        self.assertEqual(self.rollout()["state"], "paused")
        self.assertEqual(self.order("pause")["rollouts"][0]["state"], "paused")
        self.order("resume")
        self.order("abort")
        self.wait_for_state("aborted")
        self.order("pause", status=409)


class Releases(CoordinatorCase):
    def test_a_tag_is_published_once(self):
        self.start_coordinator()
        torrent = self.make_torrent("v1")
        first = self.publish("v1", torrent=torrent)
        self.assertEqual(self.publish("v1", torrent=torrent), first)
        other = self.publish("v1", torrent=self.make_torrent("v1", seed=2), status=409)
        self.assertIn("ann@test", other["error"])
        self.assertEqual(self.publish("v2")["serial"], 2)
        self.assertEqual(self.publish("v3", serial=9)["serial"], 9)
        self.assertEqual(self.must("GET", "/control/release?app=shop&tag=v3")["number"], 3)
        self.must("GET", "/control/release?app=shop&tag=v4", status=404)

    def test_names_and_serials_that_hosts_could_not_use_are_refused(self):
        self.start_coordinator()
        self.assertIn("link", self.publish("current", status=400)["error"])
        torrent = self.make_torrent("v1")
        self.assertIn("serial", self.publish("v1", torrent=torrent, serial=2**63, status=400)["error"])
        self.assertEqual(self.publish("v1", torrent=torrent, serial=2**63 - 1)["serial"], 2**63 - 1)
        self.assertIn("serial", self.publish("v2", status=400)["error"])

    def test_a_torrent_is_given_to_whoever_asks(self):
        self.start_coordinator()
        torrent = self.make_torrent("v1")
        info_hash = self.publish("v1", torrent=torrent)["info_hash"]
        self.assertEqual(self.ask("GET", f"/control/torrent?info_hash={info_hash}"), (200, torrent))
        self.must("GET", f"/control/torrent?info_hash={'0' * 40}", status=404)

    def test_what_is_no_torrent_of_this_release_is_refused(self):
        self.start_coordinator()
        torrent = self.make_torrent("v1")
        self.assertIn("v1", self.publish("v2", torrent=torrent, status=400)["error"])
        self.publish("v1", torrent=b"d4:infod4:name2:v1ee", status=400)
        self.publish("v1", torrent=b"no torrent", status=400)
        self.publish("v1", torrent=torrent[:-10], status=400)
        self.assertEqual(self.must("GET", "/control/releases")["releases"], [])

    def test_a_large_torrent_is_taken_and_one_too_large_is_not(self):
        self.start_coordinator()
        torrent = self.make_torrent("v1")
        large = torrent[:-1] + b"7:padding3000000:" + b"x" * 3_000_000 + b"e"
        self.assertEqual(self.publish("v1", torrent=large)["info_hash"], self.publish("v1", torrent=torrent)["info_hash"])
        self.assertEqual(self.ask("PUT", "/control/release?app=shop&tag=v1", b"x" * (17 * 1024 * 1024))[0], 413)


class WhoMay(CoordinatorCase):
    def test_an_open_one_takes_orders_from_its_own_host_and_shows_itself(self):
        endpoint = f"0.0.0.0:{self.tracker_port()}"
        self.start_coordinator(endpoint=endpoint)
        self.coordinator = endpoint.replace("0.0.0.0", "127.0.0.1")
        self.publish("v1")

    def tracker_port(self):
        """Free at all addresses, and of those that no connection gets by itself."""
        while True:
            port = random.randrange(12000, 32000)
            with socket.socket() as probe, contextlib.suppress(OSError):
                probe.bind(("0.0.0.0", port))
                return port

    def test_web_pages_give_no_orders(self):
        self.start_coordinator()
        status, answer = self.ask("POST", "/control/rollout/undo?app=shop", {}, headers={"Origin": "http://evil.example"})
        self.assertEqual(status, 403, answer)

    def test_a_closed_one_wants_keys(self):
        fleet, operator = new_secret(), new_secret()
        path = write_keys(self.path("keys"), key_line(fleet), key_line(operator, "operator"))
        self.start_coordinator("--fleet-key", path)
        stranger = (403, b"forbidden\n")
        for method, target in (("GET", "/control/agents"), ("PUT", "/control/release?app=shop&tag=v1"),
                               ("GET", f"/control/torrent?info_hash={'0' * 40}"), ("GET", "/control/nothing")):
            self.assertEqual(self.ask(method, target, b"" if method == "PUT" else None), stranger)
        with self.assertRaisesRegex(Refused, "403 forbidden"):
            Link(self.coordinator)
        member = signed_target(fleet, "/control/agents")
        self.assertEqual(self.ask("GET", member)[0], 200)
        viewer = fleet_keys.viewer_line(fleet)
        self.assertEqual(self.ask("GET", f"/control/agents?viewer={viewer}")[0], 200)
        status, answer = self.ask("POST", signed_target(fleet, "/control/rollout/undo?app=shop"), {})
        self.assertEqual((status, "operator" in answer["error"]), (403, True))
        # A large body of a stranger is not even read.
        self.assertEqual(self.ask("PUT", "/control/release?app=shop&tag=v1", b"x" * 1_000_000), stranger)
        for secret, kind, status in ((fleet, b"fleet", 403), (operator, b"operator", 200)):
            self.assertEqual(self.ask("GET", signed_target(secret, "/control/right", kind=kind))[0], status)
        self.operator_secret = operator
        self.publish("v1")
        agent = self.agent("w1", connect=False)
        agent.connect(self.coordinator, secret=fleet)
        agent.hear_until(lambda each: each.greeting_number > 0, "a greeting")
        self.assertIn("operator key: ann@test", self.must("GET", "/control/releases")["releases"][0]["by"])

    def test_an_order_counts_once_and_with_its_body(self):
        fleet, operator = new_secret(), new_secret()
        path = write_keys(self.path("keys"), key_line(fleet), key_line(operator, "operator"))
        self.start_coordinator("--fleet-key", path)
        empty = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"  # of {}
        target = signed_target(operator, f"/control/rollout/undo?app=shop&nonce=1&body_sha256={empty}", kind=b"operator")
        self.assertEqual(self.ask("POST", target, {"by": "eve"})[0], 403)
        self.assertEqual(self.ask("POST", target, {})[0], 404)  # there is no rollout
        self.assertEqual(self.ask("POST", target, {})[0], 403)
        self.assertEqual(self.ask("POST", signed_target(operator, "/control/rollout/undo?app=shop", kind=b"operator"),
                                  {})[0], 403)

    def test_a_tracker_without_one_says_so(self):
        self.coordinator = self.start_tracker()
        status, answer = self.ask("GET", "/control/agents")
        self.assertEqual((status, "--state" in answer["error"]), (404, True))
        for option in (("--enrol", "approve"), ("--data", self.path("data"))):
            refused = self.murder("tracker", "--listen", f"127.0.0.1:{free_port()}", *option, code=1)
            self.assertIn("--state DIR", refused.stderr)


@unittest.skipUnless(HAS_SSH_KEYGEN, "needs ssh-keygen")
class Agents(CoordinatorCase):
    def test_one_that_claims_to_be_another_is_refused_and_told_so(self):
        self.start_coordinator()
        true = self.agent("w1")
        false = self.agent("w1", known=False)
        self.assertIn("another agent's name", false.link.read_to_end())
        true.report()
        true.hear()
        self.must("POST", "/control/agents/forget?host=w1", {"by": "ann"})
        self.agent("w1")
        self.assertEqual(true.link.read_to_end(), "")  # the name has a link of another agent
        true.connect(self.coordinator)
        self.assertIn("another agent's name", true.link.read_to_end())

    def test_a_new_name_waits_for_an_operator_where_he_is_asked(self):
        self.start_coordinator("--enrol", "approve", state=self.path("state"))
        first, second = self.agent("w1", known=False), self.agent("w1", known=False)
        for agent in (first, second):
            self.assertIn("waits to be approved", agent.link.read_to_end())
        waiting = self.must("GET", "/control/agents/waiting")["waiting"]
        self.assertEqual([each["host"] for each in waiting], ["w1", "w1"])
        self.assertEqual(self.must("GET", "/control/agents")["count"], 0)
        self.must("POST", "/control/agents/approve?host=w1", {"by": "ann"}, status=409)
        self.must("POST", "/control/agents/approve?host=w2", {"by": "ann"}, status=404)
        chosen = waiting[1]["identity"]
        answer = self.must("POST", f"/control/agents/approve?{self.query(host='w1', identity=chosen)}", {"by": "ann"})
        self.assertEqual(answer, {"host": "w1", "identity": chosen})
        first.connect(self.coordinator)
        self.assertIn("waits to be approved", first.link.read_to_end())
        records = [json.loads(line) for line in self.ask("GET", "/control/audit")[1].splitlines()]
        approved = [(each["host"], each["identity"]) for each in records if each["record"] == "approved"]
        self.assertEqual(approved, [("w1", chosen)])
        self.assertIn("ann", next(each["by"] for each in records if each["record"] == "approved"))
        second.connect(self.coordinator)
        second.hear_until(lambda agent: agent.greeting_number > 0, "a greeting")
        # It stays known, also to the next coordinator; another key with the name does not even wait.
        self.kill_coordinator()
        self.start_coordinator("--enrol", "approve", state=self.path("state"), endpoint=self.coordinator)
        second.connect(self.coordinator)
        second.hear_until(lambda agent: agent.greeting_number > 0, "a greeting")
        first.connect(self.coordinator)
        self.assertIn("another agent's name", first.link.read_to_end())
        self.assertEqual(self.must("GET", "/control/agents/waiting")["waiting"], [])

    def test_a_name_that_was_forgotten_waits_again(self):
        self.start_coordinator("--enrol", "approve")
        agent = self.agent("w1", known=False)
        self.assertIn("waits to be approved", agent.link.read_to_end())
        self.must("POST", "/control/agents/approve?host=w1", {"by": "ann"})
        agent.connect(self.coordinator)
        agent.hear_until(lambda each: each.greeting_number > 0, "a greeting")
        self.must("POST", "/control/agents/forget?host=w1", {"by": "ann"})
        agent.report()  # on the connection that it has still
        self.assertIn("waits to be approved", agent.link.read_to_end())
        agent.connect(self.coordinator)
        self.assertIn("waits to be approved", agent.link.read_to_end())

    def test_a_hello_that_proves_nothing_is_refused(self):
        self.start_coordinator()
        agent = self.agent("w1", connect=False)
        for wrong in ({"signature": "AAAA"}, {"host": "w2"}, {"session": 1}, {"key": ""}, {"signature": ""}):
            agent.connect(self.coordinator, **wrong)
            self.assertNotEqual(agent.link.read_to_end(), "", wrong)
        # What was signed for another connection.
        first, second = Link(self.coordinator), Link(self.coordinator)
        from fake_agent import hello_of  # pylint: disable=import-outside-toplevel
        hello = hello_of(first.read(), "w1", 5, agent.key)
        second.send(hello)
        self.assertIn("proven", second.read_to_end())
        first.close()
        self.assertEqual(self.must("GET", "/control/agents")["count"], 0)

    def test_a_report_of_another_host_is_refused(self):
        self.start_coordinator()
        agent = self.agent("w1")
        agent.host = "w2"
        agent.report()
        self.assertIn("another host", agent.link.read_to_end())
        self.assertEqual([each["host"] for each in self.must("GET", "/control/agents")["agents"]], ["w1"])

    def test_a_heartbeat_without_news_is_answered_in_short_until_there_are_some(self):
        self.start_coordinator()
        agent = self.agent("w1")
        self.assertTrue(agent.challenge["alive"])
        agent.connect(self.coordinator, heard=True)
        agent.hear_until(lambda agent: agent.wanted and agent.wanted["heard_number"] == agent.number, "it is heard")

        def beat():
            agent.number += 1
            agent.link.send({"type": "alive", "number": agent.number})
            return agent.link.read()

        for _ in range(3):
            self.assertEqual(beat(), {"type": "heard", "heard_number": agent.number})
        published = self.publish("v1")
        self.order("start", tag="v1")
        while (wanted := agent.link.read())["apps"] == [] or wanted["apps"][0]["release"] is None:
            pass
        self.assertEqual(wanted["apps"][0]["release"], published["info_hash"])
        # Somebody else's news: it is told all, once.
        self.publish("v2")
        full = beat()
        while full["heard_number"] != agent.number:
            full = agent.link.read()
        self.assertEqual(full["type"], "wanted", full)
        self.assertEqual(beat()["type"], "heard")
        # One that does not know the short answer gets the long one.
        agent.connect(self.coordinator)
        agent.hear_until(lambda agent: agent.wanted["heard_number"] == agent.number, "it is heard")
        self.assertEqual(beat()["type"], "wanted")

    def test_a_heartbeat_of_one_that_was_not_heard_is_refused(self):
        self.start_coordinator()
        agent = self.agent("w1")
        agent.hear_until(lambda agent: agent.wanted and agent.wanted["heard_number"] == agent.number, "it is heard")
        self.must("POST", "/control/agents/forget?host=w1", {"by": "ann"})
        agent.link.send({"type": "alive", "number": agent.number + 1})
        self.assertIn("connect again", agent.link.read_to_end())
        link = Link(self.coordinator)
        link.send(hello_of(link.read(), "w2", 5, agent.key))
        link.send({"type": "alive", "number": 1})
        self.assertIn("connect again", link.read_to_end())

    def test_the_latest_connection_of_an_agent_counts(self):
        self.start_coordinator()
        agent = self.agent("w1")
        old = agent.link
        agent.connect(self.coordinator, keeps_old=True)
        agent.hear_until(lambda each: each.greeting_number > 0, "a greeting")
        self.assertEqual(old.read_to_end(), "")

    def test_what_is_no_message_ends_the_link_and_nothing_else(self):
        self.start_coordinator()
        good = self.agent("w1")
        for text, length in ((b"{", None), (b"[]", None), (b"x", 0), (b"x", 65537), (b"x", 0xffffffff),
                             (b'{"type":"report"}', None), (b'{"type":"hello"}', None),
                             (b"[" * 60000, None)):
            link = Link(self.coordinator)
            link.read()
            link.send_bytes(text, length)
            self.assertNotEqual(link.read_to_end(), "", (text[:20], length))
        early = Link(self.coordinator)
        early.read()
        early.send(good.make_report())
        self.assertIn("before the hello", early.read_to_end())
        good.report()
        good.hear()
        self.assertTrue(is_alive(self.tracker.pid))

    def test_a_request_without_the_upgrade_is_told_what_is_there(self):
        self.start_coordinator()
        status, answer = self.ask("GET", "/control/agent")
        self.assertEqual((status, "murder-agent/1" in answer["error"]), (426, True))


class DeployCoordinator(CoordinatorCase):
    """The coordinator of one deploy, and the agents that were started for it."""

    def once(self, host, target="/control/agent"):
        agent = self.agent(host, connect=False)
        return agent.connect(self.coordinator, target, once=True)

    @staticmethod
    def end_of(agent):
        """What the agent is told at the end of its deploy."""
        while (message := agent.link.read())["type"] == "wanted":
            pass
        return message

    def end(self, **body):
        return self.must("POST", "/control/end", body)["agents"]

    def test_agents_of_a_deploy_are_told_its_end_and_others_are_not(self):
        self.start_coordinator("--once-for", "1m")
        once, standing = self.once("w1").hear_until(lambda each: each.greeting_number > 0, "it is known"), self.agent("w2")
        self.assertEqual(self.end(text="undone", keep_partial=True), 1)
        self.assertEqual(self.end_of(once), {"type": "ended", "text": "undone", "keep_partial": True})
        late = self.once("w3")
        self.assertEqual(self.end_of(late)["type"], "ended")
        self.assertEqual(self.end(), 2)
        # Neither goes on to be told; each is told once.
        once.report()
        self.assertEqual(once.link.read()["type"], "wanted")
        for _ in range(3):
            standing.report()
        standing.hear_until(lambda each: each.wanted["heard_number"] == each.number, "all is answered")
        once.close()
        wait_until(lambda: self.end() == 1, "one has ended")
        late.close()
        wait_until(lambda: self.end() == 0, "both have ended")

    def test_it_ends_when_nobody_on_its_host_asks_it_any_more(self):
        self.start_coordinator("--once-for", "5s")
        self.must("GET", "/control/agents")
        agent = self.once("w1").hear_until(lambda each: each.greeting_number > 0, "it is known")
        self.assertEqual(self.must("GET", "/control/agents")["count"], 1)
        message = self.end_of(agent)
        self.assertEqual((message["type"], message["keep_partial"]), ("ended", False))
        agent.close()
        self.assertEqual(self.tracker.wait(), 0)

    def test_it_is_for_a_tracker_that_is_a_coordinator(self):
        self.assertIn("--state memory:", self.murder("tracker", "--once-for", "1m", code=2).stderr)


if __name__ == "__main__":
    unittest.main()
