"""Agents that are enrolled by the ssh keys of their hosts: `murder tracker --enrol known_hosts:FILE`."""

import shutil
import subprocess
import unittest

from control_case import AgentHost, ControlCase
from harness import wait_until
from signing import HAS_SSH_KEYGEN, make_key, public_key


@unittest.skipUnless(HAS_SSH_KEYGEN, "not installed: ssh-keygen")
class KnownHosts(ControlCase):
    def setUp(self):
        self.known_hosts = None
        super().setUp()

    def start_coordinator(self, *arguments):
        self.known_hosts = self.path("known_hosts")
        if not self.known_hosts.exists():
            self.know()
        super().start_coordinator("--enrol", f"known_hosts:{self.known_hosts}", *arguments)

    def know(self, *lines, hashed=False):
        """Takes the place of the file, as administrators' tools do."""
        path = self.path("known_hosts.new")
        path.write_text("".join(f"{line}\n" for line in lines))
        if hashed:
            subprocess.run(["ssh-keygen", "-q", "-H", "-f", str(path)], check=True, capture_output=True, timeout=60)
            self.path("known_hosts.new.old").unlink()
            self.assertIn("|1|", path.read_text())
        path.chmod(0o644)
        path.replace(self.known_hosts)

    def add_host(self, key):
        """Starts the agent of a host that has this ssh key."""
        self.agent_keys = f'host_key = "{key}"'
        number = len(self.hosts) + 1
        self.hosts.append(AgentHost(self, f"w{number}", ("web",), "r1").start())
        return self.hosts[-1]

    def wait_until_known(self, host):
        wait_until(lambda: any(agent["host"] == host.name and agent["connected"] for agent in self.agents()),
                   f"{host.name} is connected; it says {host.running.error[-300:]}")

    def identity(self, host):
        return next(agent["identity"] for agent in self.agents() if agent["host"] == host.name)

    def test_a_host_is_let_in_by_its_ssh_key_alone(self):
        key, stranger = make_key(self.directory, "host-key"), make_key(self.directory, "stranger")
        self.know(f"w1,10.0.0.7 {public_key(key)}", f"w3 {public_key(key)}", hashed=True)
        first = self.add_host(key)
        self.wait_until_known(first)
        # A host that is not known, one with another host's key, and one whose key is missing.
        for other, said in ((self.add_host(key), "not one of w2 in the known hosts"),
                            (self.add_host(stranger), "not one of w3 in the known hosts"),
                            (self.add_host(self.path("no-key")), "wants this host's ssh key")):
            wait_until(lambda: said in other.running.error, f"{said!r}; it says {other.running.error[-300:]}")
        # Known by now: the coordinator is not started again.
        self.know(f"w1 {public_key(key)}", f"w2 {public_key(key)}")
        self.wait_until_known(self.hosts[1])
        self.assertEqual([agent["host"] for agent in self.agents()], ["w1", "w2"])

    def test_a_host_that_was_made_anew_keeps_its_name_by_its_ssh_key(self):
        key = make_key(self.directory, "host-key")
        self.know(f"w* {public_key(key)}")
        host = self.add_host(key)
        self.wait_until_known(host)
        before = self.identity(host)
        host.stop()
        shutil.rmtree(host.directory / "state")
        host.start()
        wait_until(lambda: self.identity(host) != before, "it has the key of the new agent")
        self.wait_until_known(host)
        forgotten = [record for record in self.audit() if record["record"] == "forgotten"]
        self.assertEqual([(record["host"], record["by"]) for record in forgotten], [("w1", "known hosts")])

    def test_a_host_whose_ssh_key_is_revoked_or_replaced_is_let_in_no_more(self):
        key, new = make_key(self.directory, "host-key"), make_key(self.directory, "new-key")
        self.know(f"w1 {public_key(key)}")
        host = self.add_host(key)
        self.wait_until_known(host)
        host.stop()
        self.know(f"@revoked * {public_key(key)}", f"w1 {public_key(key)}", f"w1 {public_key(new)}")
        host.start()
        wait_until(lambda: "is revoked" in host.running.error, "it is refused")
        host.stop()
        host.more_keys = f'host_key = "{new}"'
        host.start()
        self.wait_until_known(host)


if __name__ == "__main__":
    unittest.main()
