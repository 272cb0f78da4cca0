"""What the tests of a deploy by a coordinator share: one that is slow, and what happens to its hosts meanwhile."""

import contextlib
import json
import os
import pathlib
import re
import signal

from deploy_case import DeployCase
from rack_case import wait_until
from rack_of_hosts.rack import CONTROL
from rack_of_hosts.secure_shell import DAEMON_COMMAND

AGENT = r"^\S*/murder agent"
COORDINATE = r"^\S*/murder coordinate"
TRACKER = r"^\S*/murder tracker"
SEEDER = r"^\S*/murder seed "
PEER = r"^\S*/murder peer"
RELAY = r"^\S*/murder relay"
HEALTH = ("--health", "! grep -qx $MURDER_TAG /srv/bad", "--min-healthy", "200ms", "--healthy-deadline", "2s")


class CoordinatedCase(DeployCase):
    HOST_COUNT = 4

    def setUp(self):
        super().setUp()
        self.murder("fleet", "distribute-files")

    def deploy_json(self, source, tag, *words, code=0):
        return json.loads(self.murder("deploy", source, "--tag", tag, "--activate", *words, "--json", code=code).stdout)

    def currents(self):
        return [self.current(host) for host in self.hosts]

    def mark_bad(self, hosts, tag):
        for host in self.hosts:
            (self.rack.files_of(host) / "srv" / "bad").write_text(f"{tag}\n" if host in hosts else "")

    def start_slow(self, source, *words, tag="v1", in_pane=False):
        """A deploy that fetches for more than a minute, unless hosts are sped up; each host has an agent, and h04 a peer."""
        self.slow_down(self.hosts[1:], "3mbit")
        start = self.start_in_pane if in_pane else self.start_murder
        started = start("deploy", source, "--tag", tag, "--activate", "--coordinate", *words)
        deploy = started[0] if in_pane else started
        wait_until(lambda: all(self.process(host, AGENT) for host in self.hosts), "an agent on each host")
        wait_until(lambda: self.process("h04", PEER), "a peer on h04")
        # Between archive and torrent the deploy has one session as well.
        wait_until(lambda: deploy.poll() is not None or self.process("h01", SEEDER), "a seeder on h01")
        wait_until(lambda: deploy.poll() is not None or self.is_alone(), "all agents are started")
        return started

    def is_alone(self):
        """Of the deploy's sessions the one with the coordinator's host is left."""
        sessions = [command for command in self.processes(CONTROL).values() if re.match(r"ssh -T ", command)]
        return len(sessions) == 1

    def kill_at(self, host, words):
        """One of the processes there; returns when another has taken its place."""
        before = self.process(host, words)
        os.kill(before, signal.SIGKILL)
        wait_until(lambda: self.process(host, words) not in (None, before), f"{words} on {host} again")

    def cut_connections(self, host):
        for pid, command in self.processes(host).items():
            if command.startswith("sshd"):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def stop_host(self, host):
        """As when it boots: all that runs there is gone at once, with the run directory, and nobody answers."""
        for pid in [*self.daemons(host), *self.processes(host)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not self.daemons(host), f"{host} is down")
        self.empty(host, "/run/murder")
        self.addCleanup(self.start_host, host)

    def start_host(self, host):
        if not self.daemons(host):
            self.on(host, *(word for word in DAEMON_COMMAND if word != "-D"))
            wait_until(lambda: 22 in self.listening_ports(host), f"{host} is up")

    def daemons(self, host):
        """The sshd that listens there."""
        namespace = os.stat(f"/proc/{self.rack.first_process(host)}/ns/net").st_ino
        found = []
        for entry in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                command = pathlib.Path(f"/proc/{entry}/cmdline").read_bytes()
                if b"sshd" in command and b"listener" in command and os.stat(f"/proc/{entry}/ns/net").st_ino == namespace:
                    found.append(int(entry))
        return found

    @staticmethod
    def read_until(pane, words):
        """What the pane shows, up to these words; without them, up to its end."""
        seen = b""
        with contextlib.suppress(OSError):  # its last process has ended
            while not words or words not in seen:
                seen += os.read(pane, 65536)
        return seen.decode(errors="replace")

    @contextlib.contextmanager
    def blocked(self, *hosts):
        """What the coordinator's host, h01, answers them at the tracker's port is lost, as behind a firewall that drops it."""
        rules = [("to", self.rack.state["hosts"][host]["address"], "ipproto", "tcp", "sport", "8998", "blackhole") for host in hosts]
        for rule in rules:
            self.on("h01", "ip", "rule", "add", *rule)
        try:
            yield
        finally:
            for rule in rules:
                self.on("h01", "ip", "rule", "del", *rule)
