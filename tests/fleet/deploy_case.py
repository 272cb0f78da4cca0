"""What the tests of `murder deploy` share: hosts that hold nothing of the test before, slow links, and signals to a
deploy in the middle of its work."""

import contextlib
import fcntl
import os
import pty
import re
import signal
import subprocess
import termios

from rack_case import PROGRAM, RACK_TOOL, RackCase, wait_until
from rack_of_hosts.rack import CONTROL

DEPLOY = r"^\S*/murder deploy"  # of its command line
SMALL_BYTES = 1_000_000
SLOW_BYTES = 30_000_000  # some seconds at the rate below
SLOW = "16mbit"
PACKING_BYTES = 300_000_000  # more than a second of packing


class DeployCase(RackCase):
    RATE = "200mbit"
    VARIABLES = 'default_destination_path = "/srv/app"'

    def setUp(self):
        super().setUp()
        self.write_config(variables=self.VARIABLES)
        for host in self.hosts:
            self.empty(host, "/srv", "/tmp", "/run/murder")
        self.empty(CONTROL, "/tmp")
        self.addCleanup(self.stop_all)

    def slow_down(self, hosts, rate=SLOW):
        for host in hosts:
            self.rack.set_rate(host, rate)
            self.addCleanup(self.rack.set_rate, host, self.RATE)

    def speed_up(self, hosts):
        for host in hosts:
            self.rack.set_rate(host, self.RATE)

    def take_down(self, host):
        self.on(host, "ip", "link", "set", "eth0", "down")
        self.addCleanup(self.on, host, "ip", "link", "set", "eth0", "up")

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

    def deploy_pid(self):
        """Of the deploy on control; None: it has ended."""
        return self.process(CONTROL, DEPLOY)

    def send_to_deploy(self, number):
        """To the program itself: it is a terminal that sends ^C to all."""
        pid = self.deploy_pid()
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def age_what_was_packed(self):
        """What a killed deploy packed here is removed by the next one, once nobody can be about to use it."""
        left = list((self.rack.files_of(CONTROL) / "tmp").glob("murder-deploy-*"))
        for each in left:
            os.utime(each, (0, 0))
        return left

    def current(self, host):
        """What is the current release there; None: nothing is."""
        link = self.rack.files_of(host) / "srv" / "app" / "current"
        return link.readlink().name if link.is_symlink() else None

    def put_in_the_way(self, host, tag="v1"):
        place = self.rack.files_of(host) / "srv" / "app" / tag
        place.mkdir(parents=True)
        (place / "file").write_text("in the way")
        return place

    # --- Stages ---

    STAGES = ("packing", "sending", "fetching", "finishing")

    def reach(self, stage, start):
        """Starts a deploy of v1 by commands, start(*words), and returns (what that returned, the source) when it is in this
        stage."""
        self.murder("fleet", "distribute-files")
        size = PACKING_BYTES if stage == "packing" else SLOW_BYTES
        source = self.make_release(f"build of {stage}", size, file_count=4)
        slow = {"sending": self.hosts[:1], "fetching": self.hosts[1:], "finishing": self.hosts[1:2]}
        self.slow_down(slow.get(stage, []), "8mbit")
        started = start("deploy", source, "--tag", "v1", "--activate", "--no-coordinate")
        if stage == "packing":
            packed = self.rack.files_of(CONTROL) / "tmp"
            wait_until(lambda: list(packed.glob("murder-deploy-*")), "what is packed")
        elif stage == "sending":
            wait_until(lambda: self.process(self.hosts[0], r"^\S*/murder receive"), "the archive on its way")
        elif stage == "fetching":
            wait_until(lambda: self.process(self.hosts[-1], r"^\S*/murder peer"), "a peer")
        else:
            # A peer that does not answer holds its end up for some seconds.
            last = self.hosts[-1]
            wait_until(lambda: self.has_release(last, "/srv/app/v1") and len(self.peers(last)) == 1, "a peer that is done")
            os.kill(self.peers(last)[0], signal.SIGSTOP)
            self.speed_up(slow[stage])
            wait_until(lambda: self.process(last, r"^\S*/murder finish"), "the end")
        return started, source

    def peers(self, host):
        return [pid for pid, command in self.processes(host).items() if re.search(r"^\S*/murder peer", command)]
