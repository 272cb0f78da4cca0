"""`murder deploy` and `murder rollback`: what they do on the hosts, and that nothing else is left there."""

import json
import signal
import unittest

from deploy_case import DeployCase
from rack_case import wait_until

SMALL_BYTES = 4_000_000


class Deploy(DeployCase):
    HOST_COUNT = 4

    def test_one_command_puts_it_everywhere_and_leaves_nothing_else(self):
        source = self.make_release("build", SMALL_BYTES)
        self.murder("deploy", source, "--tag", "v1")
        self.assert_release(source, "/srv/app/v1")
        self.assert_nothing_left()

    def test_the_machine_of_the_operator_seeds(self):
        source = self.make_release("build", SMALL_BYTES)
        self.murder("deploy", source, "--tag", "v1", "--local-seeder")
        self.assert_release(source, "/srv/app/v1")
        self.assert_nothing_left()

    def test_a_tracker_that_runs_is_used_and_left_running(self):
        source = self.make_release("build", SMALL_BYTES)
        self.murder("fleet", "distribute-files")
        self.murder("fleet", "start-tracker")
        before = self.process("h01", "murder tracker")
        self.murder("deploy", source, "--tag", "v1")
        self.assert_release(source, "/srv/app/v1")
        self.assertEqual(self.process("h01", "murder tracker"), before)
        self.murder("fleet", "stop-tracker")
        self.assert_nothing_left()

    def test_activate_rollback_and_releases_that_are_kept(self):
        sources = {}
        for number in range(1, 5):
            tag = f"v{number}"
            sources[tag] = self.make_release(tag, 200_000, seed=number)
            self.murder("deploy", sources[tag], "--tag", tag, "--activate", "--keep-releases", "2")
            self.assertEqual({self.current(host) for host in self.hosts}, {tag})
        self.assert_release(sources["v4"], "/srv/app/v4")
        for host in self.hosts:
            kept = sorted(path.name for path in (self.rack.files_of(host) / "srv" / "app").glob("v*"))
            self.assertEqual(kept, ["v3", "v4"])
        self.murder("rollback")
        self.assertEqual({self.current(host) for host in self.hosts}, {"v3"})
        self.assert_nothing_left()

    def test_nothing_is_activated_unless_enough_have_it(self):
        first = self.make_release("first", 200_000, seed=1)
        second = self.make_release("second", 200_000, seed=2)
        self.murder("deploy", first, "--tag", "v1", "--activate")
        self.put_in_the_way("h03", "v2")
        self.murder("deploy", second, "--tag", "v2", "--activate", code=3)
        self.assertEqual({self.current(host) for host in self.hosts}, {"v1"})
        for host in self.hosts:
            if host != "h03":
                self.on(host, "rm", "-rf", "/srv/app/v2")
        self.murder("deploy", second, "--tag", "v2", "--activate", "--quorum", "70%", code=3)
        self.assertEqual([self.current(host) for host in self.hosts], ["v2", "v2", "v1", "v2"])

    def test_when_no_host_has_it_the_exit_status_is_1(self):
        source = self.make_release("build", 200_000)
        for host in self.hosts:
            self.put_in_the_way(host)
        self.murder("deploy", source, "--tag", "v1", code=1)

    def test_machines_read_what_came_of_it(self):
        source = self.make_release("build", 200_000)
        self.put_in_the_way("h02")
        result = self.murder("deploy", source, "--tag", "v1", "--json", code=3)
        last = json.loads(result.stdout.strip().splitlines()[-1] if result.stdout.count("\n{") else result.stdout)
        self.assertIn("h02", json.dumps(last))
        self.assertIn("not empty", json.dumps(last))

    def test_an_interrupt_stops_what_it_started(self):
        source = self.make_release("build", 60_000_000)
        self.murder("fleet", "distribute-files")
        slow = self.hosts[1:]
        self.slow_down(slow, "8mbit")
        deploy = self.start_murder("deploy", source, "--tag", "v1")
        wait_until(lambda: self.process("h04", "murder peer"), "a peer on h04")
        self.send_to_deploy(signal.SIGINT)
        result = self.finish(deploy, None)
        self.assertNotIn(result.returncode, (0, 3))
        for host in self.hosts:
            wait_until(lambda each=host: not self.processes(each), f"the end of what runs on {host}")
        self.assert_no_release("/srv/app/v1", slow)
        self.assert_nothing_left()


if __name__ == "__main__":
    unittest.main()
