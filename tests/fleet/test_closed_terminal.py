"""A deploy whose terminal is closed, or that is killed: what is left on the hosts."""

import contextlib
import fcntl
import os
import pty
import signal
import subprocess
import termios
import time
import unittest

from rack_case import COMMAND_SECONDS_MAX, PROGRAM, RACK_TOOL, RackCase, wait_until
from rack_of_hosts.rack import CONTROL


class ClosedTerminal(RackCase):
    HOST_COUNT = 3
    RATE = "200mbit"

    def setUp(self):
        super().setUp()
        self.write_config(variables='default_destination_path = "/srv/app"')
        for host in self.hosts:
            self.empty(host, "/srv", "/tmp", "/run/murder")
        self.addCleanup(self.stop_all)

    def start_in_pane(self, *words):
        """The program with a terminal of its own, as in a pane; returns the process and the pane's end of it."""
        master, slave = pty.openpty()

        def take_terminal():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        process = subprocess.Popen(
            [RACK_TOOL, "exec", CONTROL, PROGRAM, *map(str, words)], stdin=slave, stdout=slave, stderr=slave,
            env=dict(self.environment, TERM="xterm"), cwd=self.directory, preexec_fn=take_terminal)
        os.close(slave)
        return process, master

    def slow_release(self):
        source = self.make_release("build", 60_000_000)
        self.murder("fleet", "distribute-files")
        for host in self.hosts[1:]:
            self.rack.set_rate(host, "8mbit")
            self.addCleanup(self.rack.set_rate, host, self.RATE)
        return source

    def test_a_deploy_whose_pane_is_closed_leaves_nothing_on_the_hosts(self):
        source = self.slow_release()
        deploy, pane = self.start_in_pane("deploy", source, "--tag", "v1")
        wait_until(lambda: self.process("h03", "murder peer"), "a peer on h03")
        program = self.process(CONTROL, r"^\S*/murder deploy")
        # Its output is gone from here on, and it gets the hangup more than once: from the kernel as part of
        # the terminal's foreground, and from shells. Here so often that one comes in the middle of cleaning up.
        os.close(pane)
        with contextlib.suppress(ProcessLookupError):
            while deploy.poll() is None:
                os.kill(program, signal.SIGHUP)
                time.sleep(0.02)
        deploy.wait(COMMAND_SECONDS_MAX)
        self.assertEqual(deploy.returncode, 130)
        self.assert_no_release("/srv/app/v1", self.hosts[1:])
        self.assert_nothing_left()

    def test_what_a_killed_deploy_leaves_ends_by_itself(self):
        source = self.slow_release()
        deploy = self.start_murder("deploy", source, "--tag", "v1")
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
