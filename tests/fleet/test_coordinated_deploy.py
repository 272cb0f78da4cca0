"""`murder deploy` by a coordinator and an agent on each host: waves, health checks, hooks, and what goes on when the machine
that started it is gone."""

import contextlib
import json
import os
import pathlib
import signal
import unittest

from coordinated_case import AGENT, COORDINATE, HEALTH, PEER, RELAY, SEEDER, TRACKER, CoordinatedCase
from deploy_case import SLOW_BYTES, SMALL_BYTES
from rack_case import COMMAND_SECONDS_MAX, wait_until
from rack_of_hosts.rack import CONTROL


class CoordinatedDeploy(CoordinatedCase):
    def test_waves_health_and_the_way_back(self):
        first = self.make_release("first", SMALL_BYTES)
        second = self.make_release("second", SMALL_BYTES, seed=2)
        self.mark_bad([], "-")
        told = self.deploy_json(first, "v1", "--coordinate")
        self.assertEqual(told["states"], {host: "active" for host in self.hosts})
        self.assertEqual((told["failed"], told["already_there"], told["error"]), ([], [], None))
        self.assertEqual(self.currents(), ["v1"] * 4)
        on_v1 = {host: "v1" for host in self.hosts}
        self.assertEqual(told["current"], on_v1)
        self.assert_release(first, "/srv/app/v1")
        # Again: all of it is there.
        told = self.deploy_json(first, "v1", "--coordinate")
        self.assertEqual((told["already_there"], told["states"]), (self.hosts, {host: "active" for host in self.hosts}))
        self.assert_nothing_left()
        # The first wave is not healthy: nobody else is touched, and that host is back by itself.
        self.mark_bad(self.hosts, "v2")
        told = self.deploy_json(second, "v2", "--waves", "1,100%", *HEALTH, code=3)
        self.assertEqual(self.currents(), ["v1"] * 4)
        self.assertEqual(len(told["failed"]), 1)
        self.assertEqual(told["failed"][0]["stage"], "activate")
        self.assertIn("not healthy", told["failed"][0]["reason"])
        self.assertEqual(told["current"], on_v1)
        self.assert_nothing_left()
        # One of the last wave is not, and those that were switched return as well.
        self.mark_bad(["h04"], "v2")
        told = self.deploy_json(second, "v2", "--waves", "2,100%", "--max-fail", "1", "--on-failure", "rollback", *HEALTH, code=3)
        wait_until(lambda: self.currents() == ["v1"] * 4, f"all are back: {self.currents()}")
        # One that was in the middle of it has thrown the release away.
        reasons = {each["host"]: each["reason"] for each in told["failed"] if each["reason"] != "it went back to v1, as the rollout did"}
        self.assertEqual(list(reasons), ["h04"])
        self.assertIn("the health check did not succeed in time", reasons["h04"])
        self.assertFalse(told["activated"])
        self.assertEqual(told["current"], on_v1)
        self.assert_nothing_left()
        # Healthy everywhere.
        self.mark_bad([], "-")
        told = self.deploy_json(second, "v2", "--waves", "1,50%,100%", "--bake", "200ms", *HEALTH,
                                "--hook-before-activate", "echo before $MURDER_TAG >>/srv/hooks",
                                "--hook-after-activate", "echo after $MURDER_TAG >>/srv/hooks")
        self.assertEqual(told["already_there"], self.hosts)
        self.assertEqual(self.currents(), ["v2"] * 4)
        for host in self.hosts:
            self.assertEqual((self.rack.files_of(host) / "srv" / "hooks").read_text(), "before v2\nafter v2\n")
        self.assertEqual([stage["stage"] for stage in told["stages"]][-3:], ["peer", "activate", "clean-up"])
        self.assert_nothing_left()

    def test_a_hook_that_fails_before_the_switch_leaves_what_runs(self):
        first = self.make_release("first", SMALL_BYTES)
        second = self.make_release("second", SMALL_BYTES, seed=2)
        self.deploy_json(first, "v1", "--coordinate")
        told = self.murder("deploy", second, "--tag", "v2", "--activate", "--hook-before-activate", "echo no room >&2; exit 1",
                           "--waves", "1,100%", code=3).stdout
        self.assertEqual(self.currents(), ["v1"] * 4)
        self.assertRegex(told, r"h0\d +activate +.*no room")
        self.assertRegex(told, r"HOST +COUNT +CURRENT\nh\[01-04\] +4 +v1\n")
        self.assertIn("; v1 is current on all 4 hosts\n", told)
        self.assert_nothing_left()

    def test_it_goes_on_when_the_deploy_is_killed_and_leaves_nothing(self):
        source = self.make_release("build", SLOW_BYTES)
        deploy = self.start_slow(source)
        agents = [self.process(host, AGENT) for host in self.hosts]
        # What belongs to it on the first host is killed, and its connections are cut: it is started again.
        self.kill_at("h01", TRACKER)
        self.kill_at("h01", COORDINATE)
        before = [self.process(host, COORDINATE) for host in self.hosts]
        self.cut_connections("h01")
        wait_until(lambda: [self.process(host, COORDINATE) for host in self.hosts] != before, "the deploy is back")
        if self.process("h01", COORDINATE):
            self.assertEqual([self.process(host, AGENT) for host in self.hosts], agents)
        # It boots. Another host serves until it is back.
        self.stop_host("h01")
        wait_until(lambda: self.process("h02", TRACKER), "another host is tracker and coordinator")
        self.start_host("h01")
        self.speed_up(["h02"])  # it has the archive soon
        wait_until(lambda: self.process("h01", AGENT) and self.process("h02", SEEDER), "all is started")
        wait_until(lambda: self.is_alone(), "all is told")
        self.send_to_deploy(signal.SIGKILL)
        self.finish(deploy, None)
        self.speed_up(self.hosts[1:])
        wait_until(lambda: self.currents() == ["v1"] * 4, "it is current everywhere")
        self.assert_release(source, "/srv/app/v1")
        # The shared connections of the ssh that was killed last for a minute.
        wait_until(lambda: not any(left for host in self.hosts for left in self.what_is_left(host) if not left.startswith("sshd")),
                   "nothing is left on the hosts")
        self.age_what_was_packed()

    def test_what_a_terminal_is_asked_and_one_that_is_closed(self):
        source = self.make_release("build", SLOW_BYTES)
        # Before anything is activated, an undo ends it.
        for tag, answer, ends_as in (("v1", b"l\n", "v1"), ("v2", b"a\n", "v1"), ("v3", b"u\n", "v1"), ("v4", None, "v4")):
            with self.subTest(answer):
                deploy, pane = self.start_slow(source, tag=tag, in_pane=True)
                if answer is None:
                    os.close(pane)
                else:
                    os.write(pane, b"\x03")
                    # What is no answer is asked again; the screen does not wipe the question away.
                    for typed in (b"no idea\n", answer):
                        self.assertNotIn("\x1b[J", self.read_until(pane, b"go on (w)atching? ").partition("(l)eave")[2])
                        os.write(pane, typed)
                    self.read_until(pane, b"")
                deploy.wait(COMMAND_SECONDS_MAX)
                self.speed_up(self.hosts[1:])
                wait_until(lambda: self.currents() == [ends_as] * 4, f"{ends_as} is current")
                wait_until(lambda: not any(self.process(host, r"^\S*/murder ") for host in self.hosts), "no process of it is left")
        self.assert_nothing_left()

    def test_the_same_command_after_a_kill_takes_the_place_of_what_goes_on(self):
        source = self.make_release("build", SLOW_BYTES)
        deploy = self.start_slow(source)
        self.send_to_deploy(signal.SIGKILL)
        self.finish(deploy, None)
        self.age_what_was_packed()
        agent = self.process("h04", AGENT)
        second = self.start_murder("deploy", source, "--tag", "v1", "--activate", "--coordinate")
        wait_until(lambda: second.poll() is not None or self.process("h04", AGENT) not in (None, agent), "its own agents")
        self.speed_up(self.hosts[1:])
        again = self.finish(second, 0)
        self.assertRegex(again.stderr, "taking the place of the deploy of v1 to /srv/app .*, which is gone")
        self.assertEqual(self.currents(), ["v1"] * 4)
        self.assert_release(source, "/srv/app/v1")
        self.assert_nothing_left()

    def test_an_attached_one_ends_with_the_command(self):
        source = self.make_release("build", SLOW_BYTES)
        deploy = self.start_slow(source, "--attached")
        self.send_to_deploy(signal.SIGKILL)
        self.finish(deploy, None)
        wait_until(lambda: not any(self.process(host, "murder") for host in self.hosts), "all have ended")
        self.assertEqual(self.currents(), [None] * 4)
        self.speed_up(self.hosts[1:])
        self.age_what_was_packed()
        # The same command again continues.
        self.murder("deploy", source, "--tag", "v1", "--activate", "--coordinate")
        self.assertEqual(self.currents(), ["v1"] * 4)
        self.assert_nothing_left()

    def test_an_interrupt_ends_it_and_a_second_deploy_is_told_who_is_at_work(self):
        source = self.make_release("build", SLOW_BYTES)
        deploy = self.start_slow(source)
        self.environment["XDG_STATE_HOME"] = str(self.directory / "state of another machine")
        for words in ((), ("--coordinate",)):
            refused = self.murder("deploy", source, "--tag", "v1", "--activate", *words, code=1)
            self.assertRegex(refused.stdout, r"^v1 was not deployed: another deploy is at work: deploy of v1 to /srv/app by root@\S+ since \S+Z.*\n$")
            self.assertNotIn("--retry-failed", refused.stdout)
        self.send_to_deploy(signal.SIGINT)
        self.finish(deploy, 130)
        self.assertEqual(self.currents(), [None] * 4)
        self.speed_up(self.hosts[1:])
        self.assert_nothing_left()

    def test_a_host_that_is_gone_holds_nobody_up(self):
        source = self.make_release("build", SMALL_BYTES)
        self.take_down("h04")
        told = self.deploy_json(source, "v1", "--waves", "1,100%", "--quorum", "3", "--connect-timeout", "2s", "--retries", "0", code=3)
        self.assertEqual(told["states"], {"h01": "active", "h02": "active", "h03": "active", "h04": "failed"})
        without = self.deploy_json(source, "v1", "--coordinate", "--connect-timeout", "2s", "--retries", "0", code=3)
        self.assertEqual(without["states"]["h04"], "failed")

    def test_the_first_host_is_lost_in_the_middle_and_gets_it_later(self):
        source = self.make_release("build", SLOW_BYTES)
        deploy = self.start_slow(source, "--quorum", "3", "--json")
        self.stop_host("h01")
        wait_until(lambda: self.process("h02", TRACKER), "another host is tracker and coordinator")
        self.speed_up(self.hosts[1:])
        told = json.loads(self.finish(deploy, 3).stdout)
        self.assertEqual(told["states"], {"h01": "failed", "h02": "active", "h03": "active", "h04": "active"})
        self.assertRegex(told["failed"][0]["reason"], "^lost in the middle, and not reached again")
        self.assertEqual((told["already_there"], self.currents()), ([], [None, *["v1"] * 3]))
        self.assert_release(source, "/srv/app/v1", self.hosts[1:])
        self.start_host("h01")
        told = self.deploy_json(source, "v1", "--coordinate")
        self.assertEqual((told["already_there"], told["states"]), (self.hosts[1:], {host: "active" for host in self.hosts}))
        self.assert_nothing_left()

    # --- Hosts that do not reach the coordinator's port ---

    def connections_made(self):
        """From the operator's machine: it connects for ssh alone."""
        snmp = pathlib.Path(f"/proc/{self.rack.first_process(CONTROL)}/net/snmp").read_text(encoding="ascii")
        names, values = (line.split() for line in snmp.splitlines() if line.startswith("Tcp:"))
        return int(values[names.index("ActiveOpens")])

    def test_hosts_and_an_operator_who_do_not_reach_the_coordinator(self):
        for tag, hosts, words, told in (("v1", ("h03", CONTROL), (), "h03 cannot connect to"),
                                        ("v2", ("h02", "h03", "h04"), ("--open", "--waves", "1,100%"), "h[02-04] cannot connect to")):
            with self.subTest(hosts), self.blocked(*hosts):
                source = self.make_release(tag, SMALL_BYTES, seed=tag)
                before = self.connections_made()
                deploy = self.murder("deploy", source, "--tag", tag, "--activate", "--coordinate", *words, "--json")
                self.assertEqual(self.connections_made() - before, len(self.hosts), "one login a host, and nothing else")
                answer = json.loads(deploy.stdout)
                self.assertEqual(answer["states"], {host: "active" for host in self.hosts})
                self.assertIn(f"{told} {self.rack.addresses['h01']}:8998", deploy.stderr)
                self.assertEqual(answer["already_there"], [])
                again = self.murder("deploy", source, "--tag", tag, "--activate", "--coordinate", *words, "--json")
                self.assertEqual(json.loads(again.stdout)["already_there"], self.hosts)
                self.assertEqual(self.currents(), [tag] * 4)
                self.assert_release(source, f"/srv/app/{tag}")
                self.assert_nothing_left()

    def test_a_channel_that_is_lost_is_opened_again(self):
        source = self.make_release("build", SLOW_BYTES)
        with self.blocked("h04"):
            self.slow_down(["h04"], "3mbit")
            deploy = self.start_murder("deploy", source, "--tag", "v1", "--activate", "--coordinate", "--json")
            wait_until(lambda: self.process("h04", PEER), "h04 fetches")
            self.kill_at("h01", RELAY)
            wait_until(lambda: self.process("h04", PEER), "h04 fetches again")
            agent = self.process("h04", AGENT)
            self.cut_connections("h04")
            wait_until(lambda: self.process("h04", AGENT) not in (None, agent), "another agent on h04")
            self.speed_up(["h04"])
            told = json.loads(self.finish(deploy, 0).stdout)
        self.assertEqual(told["states"], {host: "active" for host in self.hosts})
        self.assert_release(source, "/srv/app/v1")
        self.assert_nothing_left()

    def test_a_channel_that_is_lost_again_and_again_fails_its_host_alone(self):
        source = self.make_release("build", SLOW_BYTES)
        with self.blocked("h04"):
            self.slow_down(["h04"], "3mbit")
            deploy = self.start_murder("deploy", source, "--tag", "v1", "--activate", "--coordinate", "--quorum", "3", "--json")
            wait_until(lambda: self.process("h04", PEER), "h04 fetches")

            def kill_relay():
                relay = self.process("h01", RELAY)
                if relay:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(relay, signal.SIGKILL)
                return deploy.poll() is not None
            wait_until(kill_relay, "the deploy has ended", seconds=COMMAND_SECONDS_MAX)
            told = json.loads(self.finish(deploy, 3).stdout)
        self.assertEqual(told["states"], {"h01": "active", "h02": "active", "h03": "active", "h04": "failed"})
        reason = told["failed"][0]["reason"]
        self.assertIn(f"{self.rack.addresses['h01']}:8998", reason)
        self.assertIn("`murder relay` on h01 has ended", reason)


if __name__ == "__main__":
    unittest.main()
