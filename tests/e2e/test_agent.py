"""murder agent against a coordinator that does what the test says: what is wanted is fetched, activated and checked;
what fails is gone back from; an agent that is killed at any point continues."""

import hashlib
import json
import os
import pathlib
import shutil
import signal
import time
import unittest

from agent_case import AgentCase, FakeCoordinator, is_alive, wait_until, wanted_app
from harness import PROGRAM, free_port
from torrents import bdecode, bencode


class Agent(AgentCase):
    def test_what_is_wanted_is_fetched_first_and_activated_when_told_to(self):
        release = self.release("v1")
        log = self.path("hook.log")
        self.configure(f"after_activate = '''echo \"$MURDER_APP $MURDER_TAG $(readlink {self.to}/current)\" >> {log}'''")
        self.start_agent()
        self.coordinator.want(wanted_app("shop", release, attempt=5))
        ready = self.coordinator.wait_for_app(lambda app: app["ready"] == [release], "the release is there")
        self.assertIsNone(ready["active"])
        self.assertIsNone(self.current())
        self.assertEqual((self.to / "v1" / "version").read_text(), "v1")
        self.run_release(release, attempt=6)
        self.assertEqual(self.current(), "v1")
        self.assertEqual(log.read_text(), "shop v1 v1\n")
        hello = self.coordinator.hellos[0]
        self.assertEqual(hello["host"], "w1")
        self.assertGreater(self.coordinator.facts[0]["free_bytes"], 0)

    def test_a_hook_that_fails_is_told_and_gone_back_from(self):
        first, second = self.release("v1"), self.release("v2")
        log = self.path("hook.log")
        self.configure(
            f"""after_activate = '''echo $MURDER_TAG >> {log}; test $MURDER_TAG = v1 || (echo no such table >&2; exit 3)'''""")
        self.start_agent()
        self.run_release(first, attempt=5)
        self.coordinator.want(wanted_app("shop", second, attempt=6, activate=True))
        app = self.coordinator.wait_for_app(
            lambda app: app["failed_attempt"] == 6 and app["phase"] == "idle", "it went back")
        self.assertEqual(app["active"], first)
        self.assertTrue(app["is_healthy"])
        self.assertEqual(app["failure"], "activation")
        self.assertEqual(app["text"], "after_activate: exit status 3: no such table")
        self.assertEqual(self.current(), "v1")
        self.assertEqual(log.read_text().split(), ["v1", "v2", "v1"])

    def test_a_health_check_that_hangs_ends_with_what_it_started(self):
        first, second = self.release("v1"), self.release("v2")
        pids = self.path("pids")
        self.configure(
            f"""health = '''test $MURDER_TAG = v1 && exit 0; echo waits for the database >&2; sleep 1000 & echo $! >> {pids}; wait'''
health_timeout = "1s" """)
        self.start_agent()
        self.run_release(first, attempt=5)
        self.coordinator.want(
            wanted_app("shop", second, attempt=6, activate=True, healthy_deadline_ms=4000))
        app = self.coordinator.wait_for_app(
            lambda app: app["failed_attempt"] == 6 and app["phase"] == "idle", "it went back")
        self.assertEqual(app["failure"], "health")
        self.assertIn("timed out after 1", app["text"])
        self.assertIn("waits for the database", app["text"])
        self.assertEqual(self.current(), "v1")
        for pid in pids.read_text().split():
            wait_until(lambda: not is_alive(int(pid)), f"process {pid} is ended")

    def test_health_that_is_lost_later_is_reported(self):
        release = self.release("v1")
        well = self.path("well")
        well.touch()
        self.configure(f"health = 'test -e {well}'")
        self.start_agent()
        self.run_release(release, attempt=5, min_healthy_ms=1000)
        well.unlink()
        self.coordinator.wait_for_app(lambda app: not app["is_healthy"], "it is not healthy")
        well.touch()
        self.coordinator.wait_for_app(lambda app: app["is_healthy"], "it is healthy again")
        self.assertEqual(self.current(), "v1")

    def test_nobody_confirms_so_it_goes_back(self):
        first, second = self.release("v1"), self.release("v2")
        self.configure()
        self.start_agent()
        self.run_release(first, attempt=5)
        self.coordinator.want(wanted_app("shop", second, attempt=6, activate=True, confirm_within_ms=1500))
        self.coordinator.wait_for_app(lambda app: app["active"] == second and app["is_unconfirmed"], "it waits")
        app = self.coordinator.wait_for_app(lambda app: app["active"] == first, "it went back")
        self.assertEqual(app["failure"], "unconfirmed")
        wait_until(lambda: self.current() == "v1", "the link leads back")

    def test_a_revoked_release_goes_from_the_disk(self):
        first, second = self.release("v1"), self.release("v2")
        self.configure()
        self.start_agent()
        self.run_release(first, attempt=5)
        self.coordinator.want(wanted_app("shop", second, attempt=6))
        self.coordinator.wait_for_app(lambda app: second in app["ready"], "it is there")
        self.coordinator.want(wanted_app("shop", second, attempt=6, revoked=[second]))
        app = self.coordinator.wait_for_app(lambda app: app["failure"] == "revoked", "it is refused")
        self.assertEqual(app["ready"], [first])
        wait_until(lambda: not (self.to / "v2").exists(), "the revoked release is removed")
        self.assertEqual(self.current(), "v1")

    def test_older_releases_go_when_there_are_more_than_are_kept(self):
        self.configure("keep_releases = 1")
        self.start_agent()
        for number in range(1, 5):
            self.run_release(self.release(f"v{number}"), attempt=10 + number)
        wait_until(lambda: sorted(each.name for each in self.to.glob("v*")) == ["v3", "v4"],
                   "the current one and the one before are left")

    def test_what_others_removed_is_fetched_again(self):
        first, second = self.release("v1"), self.release("v2")
        self.configure()
        self.start_agent()
        self.run_release(first, attempt=5)
        self.coordinator.want(wanted_app("shop", second, attempt=6))
        self.coordinator.wait_for_app(lambda app: second in app["ready"], "it is there")
        shutil.rmtree(self.to / "v2")
        self.coordinator.want(wanted_app("shop", second, attempt=7, activate=True))
        app = self.coordinator.wait_for_app(lambda app: app["failed_attempt"] == 7, "it failed")
        self.assertIn("is not in", app["text"])
        self.run_release(second, attempt=8)
        self.assertEqual(self.current(), "v2")

    def test_what_is_current_from_before_is_known_and_gone_back_to(self):
        release = self.release("v0")
        torrent = self.temp_path / "v0.tar.zst.torrent"
        self.murder("peer", torrent, "--to", self.to, "--record", "--to-is-directory", "--seed-for", "0",
                    "--temp-path", self.path("other"))
        self.murder("activate", "v0", "--to", self.to)
        second = self.release("v1")
        self.configure("after_activate = 'test $MURDER_TAG = v0'")
        self.start_agent()
        self.coordinator.want(wanted_app("shop", second, attempt=5, activate=True))
        app = self.coordinator.wait_for_app(lambda app: app["failed_attempt"] == 5 and app["phase"] == "idle", "back")
        self.assertEqual(app["active"], release)
        self.assertEqual(self.current(), "v0")


class Network(AgentCase):
    def test_another_torrent_than_the_wanted_one_is_not_taken(self):
        release, other = self.release("v1"), self.release("v2")
        right = self.coordinator.torrents[release]
        self.coordinator.torrents[release] = self.coordinator.torrents[other]
        self.configure()
        agent = self.start_agent()
        self.coordinator.want(wanted_app("shop", release, attempt=5))
        wait_until(lambda: "another torrent" in agent.error, "it says so")
        self.assertEqual(list(self.to.glob("*")), [])
        self.coordinator.torrents[release] = right
        self.coordinator.wait_for_app(lambda app: app["ready"] == [release], "the right one is taken")

    def test_nobody_sends_it_elsewhere_for_a_torrent(self):
        elsewhere = FakeCoordinator()
        self.addCleanup(elsewhere.close)
        wanted = self.release("v1")
        elsewhere.torrents = dict(self.coordinator.torrents)
        sent = []

        def redirect(target):
            if not target.startswith("/control/torrent"):
                return None
            sent.append(target)
            return (f"302 Found\r\nLocation: http://{elsewhere.address}{target}", b"")

        self.coordinator.gate = redirect
        self.coordinator.want(wanted_app("shop", wanted))
        self.start_agent()
        wait_until(lambda: len(sent) >= 2, "it asks its coordinator again")
        self.assertEqual(elsewhere.requests, [])

    def test_a_name_that_leads_elsewhere_is_not_taken(self):
        torrent = bdecode(self.coordinator.torrents[self.release("v1")])
        torrent[b"info"][b"name"] = b"../evil"
        release = hashlib.sha1(bencode(torrent[b"info"])).hexdigest()
        self.coordinator.torrents[release] = bencode(torrent)
        self.configure()
        agent = self.start_agent()
        self.coordinator.want(wanted_app("shop", release, attempt=5, activate=True))
        wait_until(lambda: "is not here yet" in agent.error, "it is refused")
        self.assertFalse(self.path("evil").exists())
        self.assertEqual(list(self.to.glob("*")), [])

    def test_an_agent_comes_back_to_a_coordinator_that_comes_back(self):
        self.start_agent()
        self.coordinator.wait_for(lambda report: report["host"] == "w1", "a report")
        self.coordinator.drop()
        count = len(self.coordinator.hellos)
        wait_until(lambda: len(self.coordinator.hellos) > count, "it is back")
        numbers = [report["number"] for report in self.coordinator.reports]
        self.assertEqual(numbers, sorted(set(numbers)))

    def test_the_next_coordinator_is_tried_and_the_leader_is_found(self):
        leader, follower = FakeCoordinator(), FakeCoordinator()
        self.addCleanup(leader.close)
        self.addCleanup(follower.close)
        follower.refusal = ("421 Misdirected Request",
                            json.dumps({"error": "x", "leader": leader.address}).encode())
        gone = f"127.0.0.1:{free_port()}"
        self.configure(coordinators=[gone, follower.address])
        self.start_agent()
        leader.wait_for(lambda report: report["host"] == "w1", "the leader hears it")

    def test_a_refusal_is_said_once(self):
        self.coordinator.refusal = ("403 Forbidden", b"this coordinator is closed\n")
        agent = self.start_agent()
        wait_until(lambda: len(self.coordinator.requests) >= 3, "it tries again")
        self.assertEqual(agent.error.count("this coordinator is closed"), 1)

    def test_frames_that_are_none_end_the_connection_and_nothing_else(self):
        self.start_agent()
        self.coordinator.wait_for(lambda report: True, "a report")
        with self.coordinator.lock:
            links = list(self.coordinator.links)
        for link in links:
            link.sendall(b"\xff\xff\xff\xff")
        count = len(self.coordinator.hellos)
        wait_until(lambda: len(self.coordinator.hellos) > count, "it is back")

    def test_an_app_that_is_not_configured_is_of_no_interest(self):
        release = self.release("v1")
        self.start_agent()
        self.coordinator.want(wanted_app("../../etc", release, attempt=5, activate=True), wanted_app("shop"))
        self.coordinator.wait_for(lambda report: report["number"] >= 2, "reports")
        time.sleep(1)
        self.assertEqual([app["app"] for app in self.coordinator.reports[-1]["apps"]], ["shop"])


class Killed(AgentCase):
    def test_killed_while_it_fetches_it_follows_the_same_download(self):
        release = self.release("v1", {"big": os.urandom(6_000_000)})
        self.configure("download_limit = '1MB'")
        first = self.start_agent()
        self.coordinator.want(wanted_app("shop", release, attempt=5, activate=True))
        run = self.state / "apps" / "shop" / "run"
        peers = wait_until(lambda: self.murder_json("status", "--run-dir", run, code=None)["processes"], "the peer is at work")
        self.kill(first)
        self.start_agent()
        self.coordinator.wait_for_app(lambda app: app["active"] == release and app["is_healthy"], "it is active")
        outcome = run / "peer-v1.outcome"
        if outcome.exists():
            self.assertEqual(json.loads(outcome.read_text())["pid"], peers[0]["pid"])

    def test_killed_in_its_hook_the_hook_is_ended_and_done_again(self):
        release = self.release("v1")
        log, go = self.path("hook.log"), self.path("go")
        self.configure(f"after_activate = 'echo begin >> {log}; while ! test -e {go}; do sleep 0.1; done; echo end >> {log}'")
        first = self.start_agent()
        self.coordinator.want(wanted_app("shop", release, attempt=5, activate=True))
        wait_until(log.exists, "the hook has begun")
        note = self.state / "apps" / "shop" / "run" / "hook"
        hook = int(wait_until(lambda: note.exists() and note.read_text().split(), "the hook is noted")[0])
        self.kill(first)
        self.assertTrue(is_alive(hook))
        second = self.start_agent()
        wait_until(lambda: not is_alive(hook), "the hook before is ended")
        wait_until(lambda: log.read_text().count("begin") == 2, "it is begun again")
        go.touch()
        self.coordinator.wait_for_app(lambda app: app["active"] == release and app["is_healthy"], "it is active")
        self.assertEqual(log.read_text().split(), ["begin", "begin", "end"])
        self.assertIn("ended the hook", second.error)

    def test_killed_while_health_is_checked_it_checks_again(self):
        release = self.release("v1")
        log, good = self.path("hook.log"), self.path("good")
        self.configure(f"after_activate = 'echo x >> {log}'\nhealth = 'test -e {good}'")
        first = self.start_agent()
        self.coordinator.want(wanted_app("shop", release, attempt=5, activate=True, healthy_deadline_ms=60_000))
        self.coordinator.wait_for_app(lambda app: app["phase"] == "checking", "its health is checked")
        self.kill(first)
        self.assertEqual(self.kept()["apps"][0]["phase"], "checking")
        good.touch()
        self.start_agent()
        self.coordinator.wait_for_app(lambda app: app["active"] == release and app["is_healthy"], "it is active")
        self.assertEqual(self.current(), "v1")

    def test_killed_on_its_way_back_it_goes_back(self):
        first, second = self.release("v1"), self.release("v2")
        log, go = self.path("hook.log"), self.path("go")
        go.touch()
        self.configure(
            f"after_activate = 'echo $MURDER_TAG >> {log}; test $MURDER_TAG = v1 || exit 1; while ! test -e {go}; do sleep 0.1; done'")
        agent = self.start_agent()
        self.run_release(first, attempt=5)
        go.unlink()
        self.coordinator.want(wanted_app("shop", second, attempt=6, activate=True))
        self.coordinator.wait_for_app(lambda app: app["phase"] == "returning", "it is on its way back")
        wait_until(lambda: log.read_text().split() == ["v1", "v2", "v1"], "its hook runs")
        self.kill(agent)
        self.assertEqual(self.kept()["apps"][0]["phase"], "returning")
        go.touch()
        self.start_agent()
        app = self.coordinator.wait_for_app(lambda app: app["phase"] == "idle" and app["is_healthy"], "it is back")
        self.assertEqual(app["active"], first)
        self.assertEqual(app["failed_attempt"], 6)
        self.assertEqual(self.current(), "v1")

    def test_killed_when_all_is_done_nothing_is_done_again(self):
        release = self.release("v1")
        log = self.path("hook.log")
        self.configure(f"after_activate = 'echo x >> {log}'")
        agent = self.start_agent()
        self.run_release(release, attempt=5)
        self.kill(agent)
        count = len(self.coordinator.reports)
        self.start_agent()
        wait_until(lambda: len(self.coordinator.reports) >= count + 2, "it reports")
        self.assertEqual(self.coordinator.reports[-1]["apps"][0]["active"], release)
        self.assertEqual(log.read_text(), "x\n")

    def test_a_state_that_was_damaged_is_put_aside(self):
        release = self.release("v1")
        self.configure()
        agent = self.start_agent()
        self.run_release(release, attempt=5)
        self.kill(agent)
        (self.state / "kept.json").write_text('{"origin":')
        again = self.start_agent()
        wait_until((self.state / "kept.json.damaged").exists, "it is put aside")
        wait_until(lambda: len(self.coordinator.hellos) == 2, "it is connected")
        count = len(self.coordinator.reports)
        wait_until(lambda: len(self.coordinator.reports) > count, "it reports")
        app = self.coordinator.reports[-1]["apps"][0]
        self.assertEqual(app["active"], release)
        self.assertTrue(app["is_healthy"])
        self.assertIn("begins anew", again.error)


class Life(AgentCase):
    def test_it_ends_when_it_is_asked_to_and_leaves_nothing_running(self):
        release = self.release("v1", {"big": os.urandom(6_000_000)})
        self.configure("download_limit = '500KB'")
        agent = self.start_agent()
        self.coordinator.want(wanted_app("shop", release, attempt=5, activate=True))
        run = self.state / "apps" / "shop" / "run"
        peers = wait_until(lambda: self.murder_json("status", "--run-dir", run, code=None)["processes"], "the peer is at work")
        agent.signal(signal.SIGTERM)
        self.assertEqual(agent.wait(), 0)
        self.assertFalse(is_alive(peers[0]["pid"]))

    def test_two_agents_do_not_share_a_state(self):
        self.start_agent()
        self.coordinator.wait_for(lambda report: True, "a report")
        second = self.start_agent()
        self.assertEqual(second.wait(), 1)
        self.assertIn("another agent uses", second.error)

    def test_sighup_has_it_read_its_configuration_and_begin_again_as_the_same_process(self):
        release = self.release("v1")
        program = self.path("murder")
        shutil.copy(PROGRAM, program)
        self.configure()
        agent = self.start_agent(program=program)
        self.run_release(release, attempt=5)
        self.config_path.write_text(self.config_path.read_text() + "nonsense = 1\n")
        agent.signal(signal.SIGHUP)
        wait_until(lambda: "unknown key 'nonsense'" in agent.error, "it says what is wrong")
        sessions = [hello["session"] for hello in self.coordinator.hellos]
        self.assertEqual(len(sessions), 1)
        # Another program, and another configuration.
        newer = self.path("newer")
        shutil.copy(PROGRAM, newer)
        os.replace(newer, program)
        self.configure(groups='["web"]')
        agent.signal(signal.SIGHUP)
        self.coordinator.wait_for(lambda report: report["groups"] == ["web"], "the configuration is another one")
        self.assertIsNone(agent.process.poll())
        self.assertEqual(os.readlink(f"/proc/{agent.pid}/exe"), str(program))
        self.assertEqual(self.coordinator.reports[-1]["apps"][0]["active"], release)

    def test_a_program_that_takes_the_place_of_its_own_is_found_and_begun(self):
        program, newer = self.path("murder"), self.path("newer")
        shutil.copy(PROGRAM, program)
        agent = self.start_agent(program=program)
        self.coordinator.wait_for(lambda report: True, "a report")
        shutil.copy(PROGRAM, newer)
        os.replace(newer, program)
        # It looks with each heartbeat, and at the second look it is sure that nobody writes any more.
        wait_until(lambda: len(self.coordinator.hellos) == 2, "it has begun again", seconds=100)
        self.assertEqual(os.readlink(f"/proc/{agent.pid}/exe"), str(program))

    def test_beginning_again_loses_no_download(self):
        release = self.release("v1", {"big": os.urandom(6_000_000)})
        self.configure("download_limit = '500kB'")  # longer than an agent needs to begin again on a busy machine
        agent = self.start_agent()
        self.coordinator.want(wanted_app("shop", release, attempt=5, activate=True))
        run = self.state / "apps" / "shop" / "run"
        peers = wait_until(lambda: self.murder_json("status", "--run-dir", run, code=None)["processes"], "the peer is at work")
        agent.signal(signal.SIGHUP)
        wait_until(lambda: len(self.coordinator.hellos) == 2, "it has begun again")
        self.assertTrue(is_alive(peers[0]["pid"]))
        self.coordinator.wait_for_app(lambda app: app["active"] == release and app["is_healthy"], "it is active")

    def test_an_idle_agent_is_small_and_sleeps(self):
        release = self.release("v1")
        self.configure()
        agent = self.start_agent()
        self.run_release(release, attempt=5)
        time.sleep(4)  # what was fetched is served and cleaned up
        wait_until(lambda: not list((self.state / "apps" / "shop" / "archives").iterdir()), "the archive is gone")

        def status(key):
            for line in pathlib.Path(f"/proc/{agent.pid}/status").read_text().splitlines():
                if line.startswith(key + ":"):
                    return int(line.split()[1])
            return 0

        if not os.environ.get("MURDER_SANITIZED"):
            self.assertLessEqual(status("VmRSS"), 16 * 1024)
        self.assertEqual(status("Threads"), 1)
        # One heartbeat: it wakes to report, and for the answer.
        before, count = status("voluntary_ctxt_switches"), len(self.coordinator.reports)
        wait_until(lambda: len(self.coordinator.reports) > count, "a heartbeat", seconds=40)
        time.sleep(3)
        self.assertLessEqual(status("voluntary_ctxt_switches") - before, 8)

    def test_a_configuration_that_others_may_write_is_refused(self):
        self.configure()
        self.config_path.chmod(0o666)
        agent = self.start_agent()
        self.assertEqual(agent.wait(), 1)
        self.assertIn("may be written by others", agent.error)


if __name__ == "__main__":
    unittest.main()
