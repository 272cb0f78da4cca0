"""A deploy whose terminal is closed, or that is killed: what is left on the hosts."""

import itertools
import os
import shutil
import signal
import time
import unittest

from deploy_case import SMALL_BYTES, DeployCase
from rack_case import COMMAND_SECONDS_MAX, wait_until
from rack_of_hosts.rack import CONTROL


class ClosedTerminal(DeployCase):
    HOST_COUNT = 3

    def slow_release(self):
        source = self.make_release("build", 60_000_000)
        self.murder("fleet", "distribute-files")
        self.slow_down(self.hosts[1:], "8mbit")
        return source

    def test_a_deploy_whose_pane_is_closed_leaves_nothing_on_the_hosts(self):
        for stage in self.STAGES:
            with self.subTest(stage):
                (deploy, pane), source = self.reach(stage, self.start_in_pane)
                # Its output is gone from here on, and it gets the hangup more than once: from the kernel as part
                # of the terminal's foreground, and from shells. Here so often that one comes in the middle of
                # cleaning up.
                os.close(pane)
                while deploy.poll() is None:
                    self.send_to_deploy(signal.SIGHUP)
                    time.sleep(0.02)
                deploy.wait(COMMAND_SECONDS_MAX)
                self.assertEqual(deploy.returncode, 130)
                self.assert_nothing_left()
                self.speed_up(self.hosts)
                # The command that was closed, again.
                self.murder("deploy", source, "--tag", "v1", "--activate")
                self.assert_release(source, "/srv/app/v1")
                self.assertEqual({self.current(host) for host in self.hosts}, {"v1"})
                self.assert_nothing_left()
                for host in self.hosts:
                    self.empty(host, "/srv")

    def test_after_a_kill_in_any_stage_the_next_deploy_succeeds_and_leaves_nothing(self):
        for stage, tag in itertools.product(self.STAGES, ("v1", "v2")):
            with self.subTest(f"{stage}, then {tag}"):
                deploy, source = self.reach(stage, self.start_murder)
                self.send_to_deploy(signal.SIGKILL)
                self.finish(deploy, None)
                self.speed_up(self.hosts)
                self.age_what_was_packed()
                if stage == "packing":
                    shutil.rmtree(source)
                    source = self.make_release(source.name, SMALL_BYTES)
                self.murder("deploy", source, "--tag", tag, "--activate")
                self.assert_release(source, f"/srv/app/{tag}")
                self.assertEqual({self.current(host) for host in self.hosts}, {tag})
                if tag == "v1":
                    self.assert_nothing_left()
                shutil.rmtree(source)
                self.stop_all()
                for host in self.hosts:
                    self.empty(host, "/srv", "/tmp", "/run/murder")

    def test_what_a_killed_deploy_leaves_ends_by_itself(self):
        source = self.slow_release()
        deploy = self.start_murder("deploy", source, "--tag", "v1", "--no-coordinate")
        wait_until(lambda: self.process("h03", "murder peer"), "a peer on h03")
        os.kill(self.process(CONTROL, r"^\S*/murder deploy"), signal.SIGKILL)
        self.finish(deploy, None)
        # Each of them is bounded by an option of its own; what these do is tested with shorter times.
        self.assertIn("--end-when-idle 600s", self.command("h01", "murder tracker"))
        self.assertIn("--end-when-idle 600s", self.command("h01", "murder seed"))
        for host in self.hosts[1:]:
            peer = self.command(host, "murder peer")
            self.assertIn("--seed-for 600s", peer)
            self.assertIn("--give-up-after 120s", peer)
        for host in self.hosts[1:]:
            self.rack.set_rate(host, self.RATE)
        wait_until(lambda: all(self.has_release(host, "/srv/app/v1") for host in self.hosts), "the release")
        self.murder("fleet", "stop-all-peering")
        self.murder("fleet", "stop-seeding", "tag=v1")
        self.murder("fleet", "stop-tracker")
        self.murder("fleet", "clean-temp-files", "tag=v1")
        # What it packed here is removed by the next deploy, once nobody can be about to use it.
        left = list((self.rack.files_of(CONTROL) / "tmp").glob("murder-deploy-*"))
        self.assertEqual(len(left), 1)
        os.utime(left[0], (0, 0))
        self.murder("deploy", source, "--tag", "v1")
        self.assert_nothing_left()

    def command(self, host, words):
        return self.processes(host)[self.process(host, words)]


if __name__ == "__main__":
    unittest.main()
