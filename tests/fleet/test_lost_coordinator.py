"""A deploy whose coordinator's host is lost in the middle, and what else happens then: a terminal that is closed, ^C, another
deploy, a way back, a network that is there again."""

import json
import os
import signal
import unittest

from coordinated_case import AGENT, COORDINATE, HEALTH, PEER, SEEDER, TRACKER, CoordinatedCase
from deploy_case import SLOW_BYTES, SMALL_BYTES
from rack_case import COMMAND_SECONDS_MAX, wait_until


class LostCoordinator(CoordinatedCase):
    def lose_first_host(self):
        """Another host takes its place, and has what it needs."""
        self.stop_host("h01")
        wait_until(lambda: self.process("h02", TRACKER), "another host is tracker and coordinator")
        self.speed_up(["h02"])  # it has the archive soon
        wait_until(lambda: self.process("h02", SEEDER), "another host is the seeder")

    def test_a_terminal_that_is_closed_while_a_lost_host_is_waited_for(self):
        source = self.make_release("build", SLOW_BYTES)
        deploy, pane = self.start_slow(source, in_pane=True)
        self.lose_first_host()
        # The command stays for the host that is lost, then leaves the rest to the coordinator.
        os.close(pane)
        self.send_to_deploy(signal.SIGHUP)
        self.start_host("h01")
        wait_until(lambda: self.process("h01", AGENT), "the lost host takes part again")
        deploy.wait(COMMAND_SECONDS_MAX)
        self.assertTrue(self.process("h02", COORDINATE))
        self.speed_up(self.hosts[1:])
        wait_until(lambda: self.currents() == ["v1"] * 4, "it is current everywhere")
        wait_until(lambda: not any(self.process(host, r"^\S*/murder ") for host in self.hosts), "no process of it is left")
        self.assert_nothing_left()

    def test_what_a_lost_host_holds_goes_with_the_deploy_that_is_interrupted(self):
        source = self.make_release("build", SLOW_BYTES)
        deploy = self.start_slow(source)
        # Nothing is lost on that host but the way to it.
        for pid in self.daemons("h01"):
            os.kill(pid, signal.SIGKILL)
        self.addCleanup(self.start_host, "h01")
        os.kill(self.process("h01", COORDINATE), signal.SIGKILL)
        self.cut_connections("h01")
        wait_until(lambda: self.process("h02", TRACKER), "another host is tracker and coordinator")
        self.assertTrue(self.process("h01", TRACKER))
        self.start_host("h01")
        self.send_to_deploy(signal.SIGINT)
        self.finish(deploy, 130)
        self.assertIsNone(self.process("h01", TRACKER))
        locks = self.rack.files_of("h01") / "run" / "murder" / "deploys.json"
        self.assertFalse(locks.exists(), locks)

    def test_a_way_back_returns_what_was_switched_before_the_coordinator_moved(self):
        first = self.make_release("first", SMALL_BYTES)
        second = self.make_release("second", SMALL_BYTES, seed=2)
        self.mark_bad([], "-")
        self.deploy_json(first, "v1", "--coordinate")
        deploy = self.start_murder("deploy", second, "--tag", "v2", "--activate", "--coordinate", "--waves", "2,100%", "--bake", "20s",
                                   "--quorum", "3", "--max-fail", "1", "--on-failure", "rollback", *HEALTH, "--json")
        wait_until(lambda: deploy.poll() is not None or self.currents().count("v2") == 2, "the first wave")
        if deploy.poll() is not None:
            self.finish(deploy, 3)
            self.fail("it ended in its first wave")
        # It is not well on the others, whose turn comes when the coordinator has moved.
        others = [host for host in self.hosts[1:] if self.current(host) == "v1"]
        self.mark_bad(others, "v2")
        self.stop_host("h01")
        wait_until(lambda: self.process("h02", TRACKER), "another host is tracker and coordinator")
        self.assertIn("v2", self.currents()[1:])
        told = json.loads(self.finish(deploy, 3).stdout)
        self.assertEqual(self.currents()[1:], ["v1"] * 3, told)

    def test_no_other_deploy_begins_where_the_lost_host_is_back(self):
        source = self.make_release("build", SLOW_BYTES)
        deploy = self.start_slow(source)
        self.lose_first_host()
        self.start_host("h01")
        wait_until(lambda: self.process("h01", AGENT), "the lost host takes part again")
        locks = self.rack.files_of("h01") / "run" / "murder" / "deploys.json"
        wait_until(locks.exists, "its agent holds the lock")
        self.environment["XDG_STATE_HOME"] = str(self.directory / "state of another machine")
        for words in ((), ("--no-coordinate",)):
            refused = self.murder("deploy", source, "--tag", "v2", "--activate", *words, code=1)
            self.assertRegex(refused.stdout, r"another deploy is at work: deploy of v1 to /srv/app by root@\S+ since \S+Z")
        self.speed_up(self.hosts[1:])
        self.finish(deploy, 0)
        self.assertEqual(self.currents(), ["v1"] * 4)
        self.assert_nothing_left()

    def test_a_host_that_was_cut_off_takes_nothing_from_those_that_went_on(self):
        source = self.make_release("build", SLOW_BYTES)
        deploy = self.start_slow(source)
        cut_off = self.process("h01", COORDINATE)
        self.take_down("h01")
        wait_until(lambda: self.process("h02", TRACKER), "another host is tracker and coordinator", seconds=COMMAND_SECONDS_MAX)
        before = self.process("h01", AGENT)
        self.empty("h01", "/srv/app")  # it had the release, and fetches it once more
        self.slow_down(["h01"], "3mbit")
        self.on("h01", "ip", "link", "set", "eth0", "up")
        wait_until(lambda: self.process("h01", AGENT) not in (None, before), "another agent on the host that was cut off")
        archive = self.rack.files_of("h01") / "tmp" / "v1.tar.zst"
        wait_until(lambda: self.process("h01", PEER) and archive.exists(), "it fetches")
        # Its coordinator has no host any more, and ends.
        wait_until(lambda: not os.path.exists(f"/proc/{cut_off}"), "the coordinator that was cut off ends", seconds=COMMAND_SECONDS_MAX)
        self.assertTrue(self.process("h01", PEER) is None or archive.exists())
        self.speed_up(self.hosts)
        self.finish(deploy, 0)
        self.assertEqual(self.currents(), ["v1"] * 4)
        self.assert_release(source, "/srv/app/v1")
        self.assert_nothing_left()


if __name__ == "__main__":
    unittest.main()
