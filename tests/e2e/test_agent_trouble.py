"""murder agent where the world is not as it should be: full disks, closed fleets, wrong clocks, signatures that are demanded,
messages that are late; and what its service manager and its monitoring are told."""

import json
import os
import pathlib
import re
import signal
import subprocess
import time
import unittest

from agent_case import AgentCase, FakeCoordinator, is_alive, wait_until, wanted_app
from fleet_keys import hkdf, key_line, mac, new_secret, signed_target, write_keys
from harness import PROGRAM, Running, free_address, free_port
from test_agent_coordinator import WithCoordinator
from test_full_disk import can_mount
from test_service import Manager


class FullDisk(AgentCase):
    def setUp(self):
        super().setUp()
        if os.getuid() != 0:
            self.skipTest("mounting a small tmpfs needs root")
        self.small = self.path("small")
        self.small.mkdir()
        if not can_mount(self.small):
            self.skipTest("mounting a tmpfs is not allowed here")

    def mount(self, size):
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", self.small], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", self.small], check=False)

    def test_no_room_for_a_release_is_told_and_it_is_fetched_when_there_is_room(self):
        self.mount("1m")
        self.to = self.small / "srv"
        release = self.release("v1", {"big": os.urandom(3_000_000)})
        self.start_agent()
        self.coordinator.want(wanted_app("shop", release, attempt=5, activate=True))
        app = self.coordinator.wait_for_app(lambda app: app["failed_attempt"] == 5, "it failed")
        self.assertEqual(app["failure"], "fetch")
        self.assertIn("too full", app["text"])
        subprocess.run(["mount", "-o", "remount,size=20m", self.small], check=True)
        self.run_release(release, attempt=6)

    def test_what_it_begins_is_written_on_a_full_disk(self):
        self.mount("8m")
        self.state = self.small / "state"
        first, second = self.release("v1"), self.release("v2")
        self.start_agent()
        self.run_release(first, attempt=5)
        self.coordinator.want(wanted_app("shop", second, attempt=6))
        self.coordinator.wait_for_app(lambda app: second in app["ready"], "it is there")
        with open(self.small / "filler", "wb", buffering=0) as filler:
            try:
                while True:
                    filler.write(b"x" * 4096)
            except OSError:
                pass
        self.assertTrue((self.state / "reserve").exists())
        self.coordinator.want(wanted_app("shop", second, attempt=7, activate=True))
        self.coordinator.wait_for_app(lambda app: app["attempt"] == 7, "it is begun")
        self.assertEqual(self.kept()["apps"][0]["attempt"], 7)
        self.assertFalse((self.state / "reserve").exists())


class Signed(AgentCase):
    def setUp(self):
        super().setUp()
        self.key = self.path("key")
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.key], check=True)
        self.signers = self.path("allowed_signers")
        self.signers.write_text("olga " + self.key.with_suffix(".pub").read_text())

    def signed_release(self):
        source = self.path("source-v2")
        source.mkdir()
        (source / "version").write_text("v2")
        made = self.murder_json("create", source, "--tag", "v2", "--temp-path", self.temp_path, "--tracker", self.tracker,
                                "--sign", self.key, "--app", "shop", "--serial", "9")
        self.seed(made["torrent"])
        signed = made["info_hash"]
        self.coordinator.torrents[signed] = pathlib.Path(made["torrent"]).read_bytes()
        return signed

    def test_what_came_before_signatures_were_demanded_is_not_activated_any_more(self):
        unsigned, signed = self.release("v1"), self.signed_release()
        agent = self.start_agent()
        self.run_release(signed, attempt=5, serial=9)
        self.coordinator.want(wanted_app("shop", unsigned, attempt=6, activate=False, serial=10))
        self.coordinator.wait_for_app(lambda app: unsigned in app["ready"], "it is ready")
        self.kill(agent)
        self.configure(allowed_signers=json.dumps(str(self.signers)))
        self.start_agent()
        self.coordinator.want(wanted_app("shop", unsigned, attempt=6, activate=True, serial=10))
        app = self.coordinator.wait_for_app(lambda app: app["failed_attempt"] == 6, "it is refused")
        self.assertIn("it is not signed", app["text"])
        self.assertEqual(self.current(), "v2")

    def test_a_host_that_demands_signatures_takes_nothing_else_whatever_a_coordinator_says(self):
        unsigned, signed = self.release("v1"), self.signed_release()
        self.configure(allowed_signers=json.dumps(str(self.signers)))
        self.start_agent()
        self.coordinator.want(wanted_app("shop", unsigned, attempt=5, activate=True))
        app = self.coordinator.wait_for_app(lambda app: app["failed_attempt"] == 5, "it is refused")
        self.assertIn("it is not signed", app["text"])
        self.assertEqual(app["ready"], [])
        self.assertFalse((self.to / "v1").exists())
        self.run_release(signed, attempt=6, serial=9)
        self.assertEqual(self.current(), "v2")


class Closed(WithCoordinator):
    """A closed fleet: the agent proves the key to the coordinator, its peers prove it to each other."""

    def start_coordinator(self):
        self.key = write_keys(self.path("fleet.key"), key_line(new_secret()))
        running = Running(self, [PROGRAM, "tracker", "--listen", self.place, "--fleet-key", str(self.key), "--state",
                                 str(self.store)], self.environment)
        self.started.append(running)
        wait_until(lambda: "listens" in running.output, "the coordinator listens")
        return running

    def test_a_member_is_let_in_and_a_stranger_is_told_what_is_wrong(self):
        member = self.agent("w1", fleet_key=json.dumps(str(self.key)))
        wait_until(lambda: "connected to the coordinator" in member.error, "the member is connected")
        stranger = self.agent("w2")
        wait_until(lambda: "HTTP status 403" in stranger.error, "the stranger is refused")


class WrongClock(AgentCase):
    def test_a_host_whose_clock_is_wrong_by_years_takes_part(self):
        secret = new_secret()
        key = write_keys(self.path("fleet.key"), key_line(secret))
        ahead_s = 5 * 365 * 24 * 3600

        def gate(target):
            unsigned, _, token = target.rpartition("token=")
            unsigned = unsigned[:-1]
            time_text, _, _ = token.partition("-")
            self.assertEqual(signed_target(secret, unsigned, time_s=int(time_text)), target)
            now_s = int(time.time()) + ahead_s
            if abs(int(time_text) - now_s) <= 300:
                return None
            clock = mac(hkdf(secret, b"", b"murder clock 1 fleet"), b"%d\n%s" % (now_s, token.encode()))
            return ("403 Forbidden", b"clock %d %s\n" % (now_s, clock.hex()[:32].encode()))

        self.coordinator.gate = gate
        self.coordinator.secret = secret
        release = self.release("v1")
        self.configure(fleet_key=json.dumps(str(key)))
        agent = self.start_agent()
        self.coordinator.want(wanted_app("shop", release, attempt=5))
        self.coordinator.wait_for_app(lambda app: app["phase"] == "fetching", "it is connected, and has begun")
        self.assertIn("clock differs", agent.error)
        torrents = self.state / "apps" / "shop" / "torrents"
        wait_until(lambda: list(torrents.glob("*.torrent")), "it has the torrent")


class Messages(AgentCase):
    def test_a_message_that_is_late_or_doubled_does_nothing(self):
        first, second = self.release("v1"), self.release("v2")
        log = self.path("hook.log")
        self.configure(f"after_activate = 'echo $MURDER_TAG >> {log}'")
        self.start_agent()
        self.run_release(first, attempt=5)
        self.run_release(second, attempt=6)
        # What was wanted before, with its older revision.
        self.coordinator.revision -= 3
        self.coordinator.want(wanted_app("shop", first, attempt=7, activate=True))
        time.sleep(1)
        self.assertEqual(self.current(), "v2")
        self.coordinator.revision += 10
        for _ in range(3):
            self.coordinator.want(wanted_app("shop", second, attempt=6, activate=True))
        time.sleep(1)
        self.assertEqual(log.read_text().split(), ["v1", "v2"])

    def test_members_of_a_later_version_are_skipped(self):
        release = self.release("v1")
        self.start_agent()
        self.coordinator.want({**wanted_app("shop", release, attempt=5, activate=True), "of_the_future": [{"x": 1}]})
        self.coordinator.wait_for_app(lambda app: app["active"] == release and app["is_healthy"], "it is active")


class Told(AgentCase):
    def test_the_service_manager_is_told_its_life(self):
        manager = Manager(self, str(self.path("notify")))
        release = self.release("v1")
        self.environment["NOTIFY_SOCKET"] = manager.name
        agent = self.start_agent()
        manager.wait_for("READY=1")
        # What it starts says nothing: started by itself, a download is a service, too.
        self.run_release(release, attempt=5)
        manager.wait_for(f"STATUS=connected to {self.coordinator.address}; shop: healthy")
        agent.signal(signal.SIGHUP)
        manager.wait_for("READY=1", count=2)
        agent.signal(signal.SIGTERM)
        self.assertEqual(agent.wait(), 0)
        self.assertEqual(manager.states(), ["READY=1", "RELOADING=1", "READY=1", "STOPPING=1"])

    def test_metrics_are_those_that_are_documented(self):
        metrics = self.path("agent.prom")
        release = self.release("v1", {"big": os.urandom(300_000)})
        self.configure(metrics_file=json.dumps(str(metrics)))
        agent = self.start_agent()
        self.run_release(release, attempt=5)
        agent.signal(signal.SIGTERM)
        self.assertEqual(agent.wait(), 0)
        text = metrics.read_text()
        page = (pathlib.Path(__file__).parents[2] / "docs" / "monitoring.md").read_text()
        names = set(re.findall(r"(?m)^(murder_agent_\w+)", text))
        self.assertEqual(names, set(re.findall(r"`(murder_agent_\w+)", page)))
        self.assertRegex(text, r'murder_agent_received_bytes_total\{app="shop",source="swarm"\} [1-9]')
        self.assertIn('murder_agent_steps_total{app="shop",step="activate",outcome="done"} 1', text)
        self.assertIn('murder_agent_releases{app="shop",state="active"} 1', text)


class Once(AgentCase):
    def test_it_reads_its_configuration_from_standard_input(self):
        self.configure()
        with open(self.config_path, "rb") as config:
            process = subprocess.Popen([PROGRAM, "agent", "--once"], stdin=config, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.PIPE, env=self.environment)
        self.addCleanup(process.stderr.close)
        self.coordinator.wait_for(lambda report: report["host"] == "w1", "it reports")
        self.coordinator.end()
        self.assertEqual(process.wait(20), 0)

    def once(self, *arguments, app="", code=0, **keys):
        """`murder agent --once --background`; what it prints."""
        self.configure(app, **{"seed_for": '"10m"', **keys})
        text = self.config_path.read_text()
        for line in (f"state = {json.dumps(str(self.state))}\n", 'seed_for = "1s"\n'):
            text = text.replace(line, "")
        run = subprocess.run([PROGRAM, "agent", "--once", "--background", "--json", *arguments], input=text, text=True,
                             capture_output=True, env=self.environment, timeout=60, check=False)
        self.assertEqual(run.returncode, code, run.stderr)
        told = json.loads(run.stdout.splitlines()[-1])
        if code == 0:
            self.addCleanup(self.end_once, told["pid"])
        return told

    @staticmethod
    def end_once(pid):
        if is_alive(pid):
            os.kill(pid, signal.SIGTERM)
            wait_until(lambda: not is_alive(pid), "the agent of the deploy ends")

    def left(self):
        """What agents have in the run directory."""
        return sorted(path.name for path in self.run_directory.glob("agent*"))

    def test_in_the_background_it_leaves_the_release_and_nothing_else(self):
        (temp := self.path("archives")).mkdir()
        begun = self.once("--token", "ab1", temp_path=json.dumps(str(temp)))
        self.assertEqual((begun["host"], begun["coordinator"], begun["placed"]), ("w1", self.coordinator.address, []))
        self.assertEqual(begun["placed_tags"], {})
        self.assertTrue(self.coordinator.hellos[-1]["once"])
        self.run_release(release := self.release("v1"), attempt=3)
        # Its peer serves on, and it notes what it does.
        self.assertTrue(list(temp.iterdir()))
        self.assertTrue(self.left())
        self.assert_is_found_by_commands()
        self.coordinator.end()
        wait_until(lambda: not is_alive(begun["pid"]), "it ends")
        self.assertEqual((self.left(), list(temp.iterdir()), self.current()), ([], [], "v1"))
        again = self.once("--token", "ab2")
        self.assertEqual((again["placed"], again["placed_tags"]), ([release], {release: "v1"}))

    def assert_is_found_by_commands(self):
        """The peer of the agent has its socket in the agent's directory, and is one of this host all the same."""
        def peers():
            return [each["tag"] for each in self.murder_json("status")["processes"] if each["kind"] == "peer"]
        self.assertEqual(peers(), ["v1"])
        self.murder("stop", "v1", "--seeding")
        self.assertIn("v1\tpeer", self.murder("__complete", "stop", "").stdout)
        self.assertIn("stopped the peer of v1", self.murder("stop", "v1", "--peering").stdout)
        self.assertEqual(peers(), [])

    def test_one_that_goes_back_does_not_wait_for_what_was_not_healthy_before(self):
        self.once("--token", "ab1")
        self.run_release(self.release("v1"), attempt=3)
        checked = self.path("checked")
        self.once("--token", "ab2", app=f"health = 'echo >> {checked}; false'\nafter_activate = 'test $MURDER_TAG = v1'")
        wait_until(checked.exists, "what was current before is checked")
        self.coordinator.want(wanted_app("shop", self.release("v2"), attempt=4, activate=True, healthy_deadline_ms=600_000))
        failed = self.coordinator.wait_for_app(lambda each: each["failed_attempt"] == 4 and each["phase"] == "idle",
                                               "it is back, and waits for nothing")
        self.assertIn("the health check fails for the release before, too", failed["text"])
        self.assertEqual((self.current(), failed["is_healthy"]), ("v1", False))

    def test_nobody_renews_its_lease(self):
        begun = self.once("--token", "ab1", "--lease", "6s")
        seen = len(self.coordinator.reports)
        # It reports often enough for its lease, and lives as long as it is answered.
        wait_until(lambda: len(self.coordinator.reports) > seen + 1, "it reports")
        self.assertTrue(is_alive(begun["pid"]))
        self.coordinator.is_deaf = True
        wait_until(lambda: not is_alive(begun["pid"]), "it ends")
        self.assertEqual(self.left(), [])

    def test_heartbeats_in_short_renew_its_lease_as_well(self):
        self.coordinator.takes_alive = True
        begun = self.once("--token", "ab1", "--lease", "3s")
        self.assertTrue(self.coordinator.hellos[-1]["heard"])
        self.coordinator.wait_for(lambda report: report["greeting"]["number"] == 1, "it has heard of its greeting")
        wait_until(lambda: len(self.coordinator.alive) > 5, "it says that nothing is new")
        self.assertTrue(is_alive(begun["pid"]))
        numbers = [each["number"] for each in self.coordinator.alive]
        self.assertEqual(numbers, list(range(numbers[0], numbers[0] + len(numbers))))
        # What is new is reported in full, before and after.
        self.run_release(self.release("v1"), attempt=3)
        seen = len(self.coordinator.alive)
        wait_until(lambda: len(self.coordinator.alive) > seen, "nothing is new again")
        self.assertEqual(self.current(), "v1")

    def test_one_that_no_coordinator_hears_is_an_error_and_leaves_nothing(self):
        self.coordinator.refusal = ("503 Service Unavailable", b'{"error":"no room"}')
        error = self.once("--token", "ab1", "--lease", "5s", code=1)["error"]
        self.assertIn("no room", error["text"])
        self.assertEqual(self.left(), [])
        # A deploy has another way to one whose port is not reached at all.
        self.assertEqual(error["code"], "timeout")
        address = free_address()
        nowhere = f"{address}:{free_port(address)}"
        error = self.once("--token", "ab1", "--connect-within", "200ms", code=1, coordinators=[nowhere])["error"]
        self.assertEqual(error["code"], "network")
        self.assertIn(nowhere, error["text"])
        self.assertEqual(self.left(), [])

    def test_it_holds_the_lock_of_its_deploy_while_it_hears_a_coordinator(self):
        begun = self.once("--token", "ab1", "--tag", "v1", "--owner", "ann@laptop")
        locks = self.run_directory / "deploys.json"
        wait_until(locks.exists, "the lock")
        for app, tag in ((self.to, "v2"), ("/srv/other", "v1")):
            refused = self.murder_json("lock", tag, "--app", app, "--token", "ab2", code=1)
            self.assertEqual((refused["state"], refused["holder"]["owner"]), ("busy", "ann@laptop"))
        self.coordinator.end()
        wait_until(lambda: not is_alive(begun["pid"]), "it ends")
        self.assertFalse(locks.exists())

    def test_one_that_cannot_begin_leaves_nothing(self):
        (state := self.run_directory / "agent-ab1").mkdir(mode=0o700, parents=True)
        (state / "agent.key").touch(0o600)
        error = self.once("--token", "ab1", code=1)["error"]
        self.assertIn("agent.key", error["text"])
        self.assertEqual(self.left(), [])

    def test_how_long_it_connects_is_taken_or_refused(self):
        for words, why in ((("--background", "--connect-within", "3m"), "--connect-within 3 min 00 s: not longer than the lease of 2 min 00 s"),
                           (("--connect-within", "3s"), "--connect-within is for --background")):
            run = subprocess.run([PROGRAM, "agent", "--once", *words], input="", text=True, capture_output=True,
                                 env=self.environment, timeout=60, check=False)
            self.assertEqual(run.returncode, 2, run.stderr)
            self.assertIn(why, run.stderr)

    def test_the_next_deploy_of_a_place_ends_the_agent_of_the_last(self):
        first = self.once("--token", "ab1")
        to, self.to = self.to, self.path("other")
        other = self.once("--token", "ab2")
        self.to = to
        third = self.once("--token", "ab3")
        self.assertEqual([is_alive(each["pid"]) for each in (first, other, third)], [False, True, True])
        self.assertEqual([name for name in self.left() if not name.endswith(".log")], ["agent-ab2", "agent-ab3"])
        # What one that was killed has left goes with the next one, with its log; and older logs.
        os.kill(other["pid"], signal.SIGKILL)
        wait_until(lambda: not is_alive(other["pid"]), "it is dead")
        self.assertIn("agent-ab2.log", self.left())
        older, fresh = (self.run_directory / f"agent-{name}.log" for name in ("old", "new"))
        for log in (older, fresh):
            log.write_text("")
        os.utime(older, (1000, 1000))
        self.once("--token", "ab4")
        self.assertEqual({name for name in self.left() if "ab2" in name or name in (older.name, fresh.name)}, {fresh.name})

    def test_the_same_deploy_starts_it_again_and_it_continues(self):
        """As when the deploy's coordinator was lost: another one tells it what is wanted."""
        release = self.release("v1", {"big": os.urandom(6_000_000)})
        slow = "download_limit = '1MB'"
        first = self.once("--token", "ab1", app=slow)
        self.coordinator.want(wanted_app("shop", release, attempt=3))
        run = self.run_directory / "agent-ab1" / "apps" / "shop" / "run"
        peer = wait_until(lambda: self.murder_json("status", "--run-dir", run, code=None)["processes"], "the peer is at work")[0]
        # Started again with the same coordinator, it follows what it had begun.
        second = self.once("--token", "ab1", app=slow)
        wait_until(lambda: not is_alive(first["pid"]), "another takes its place")
        self.assertTrue(is_alive(peer["pid"]))
        # With another one, that is where its peers are found, too.
        other = FakeCoordinator(tracker=self.tracker)
        self.addCleanup(other.close)
        other.torrents, other.origin = self.coordinator.torrents, 8
        third = self.once("--token", "ab1", coordinators=[other.address])
        wait_until(lambda: not is_alive(second["pid"]), "another takes its place")
        self.assertFalse(is_alive(peer["pid"]))
        other.want(wanted_app("shop", release, attempt=1, activate=True))
        other.wait_for_app(lambda app: app["active"] == release and app["is_healthy"], "it is active")
        self.assertTrue(is_alive(third["pid"]))
        other.end()
        wait_until(lambda: not is_alive(third["pid"]), "it ends")
        self.assertEqual((self.left(), self.current()), ([], "v1"))

    def test_a_hook_before_the_activation_may_refuse_it(self):
        bad, ran = self.path("bad"), self.path("ran")
        hooks = (f"before_activate = 'test ! -e {bad} && echo before $MURDER_TAG >> {ran}'",
                 f"after_activate = 'echo after $MURDER_TAG >> {ran}'")
        self.once("--token", "ab1", app="\n".join(hooks))
        self.run_release(self.release("v1"), attempt=3)
        bad.write_text("")
        self.coordinator.want(wanted_app("shop", self.release("v2"), attempt=4, activate=True))
        failed = self.coordinator.wait_for_app(lambda each: each["failed_attempt"] == 4 and each["phase"] == "idle",
                                               "it is refused")
        self.assertEqual(failed["failure"], "activation")
        self.assertIn("before_activate", failed["text"])
        self.assertEqual((self.current(), ran.read_text()), ("v1", "before v1\nafter v1\n"))

    def test_one_that_is_a_service_does_not_end_with_a_deploy(self):
        agent = self.start_agent()
        self.coordinator.wait_for(lambda report: True, "it reports")
        self.coordinator.end()
        release = self.release("v1")
        self.run_release(release, attempt=5)
        self.assertIsNone(agent.process.poll())


if __name__ == "__main__":
    unittest.main()
