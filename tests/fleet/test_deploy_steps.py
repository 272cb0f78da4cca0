"""How often a deploy goes to its hosts, and the ways of one that has more hosts than --forks, another launcher, or no
way to the tracker's port."""

import json
import re
import signal
import unittest

from deploy_case import SLOW_BYTES, SMALL_BYTES, DeployCase
from rack_case import wait_until
from rack_of_hosts.rack import CONTROL


class DeploySteps(DeployCase):
    HOST_COUNT = 4

    def counting_ssh(self):
        """An ssh that notes each of its runs; returns the options for it, and what gives the hosts it went to."""
        seen = self.directory / "seen"
        wrapper = self.directory / "counting-ssh"
        wrapper.write_text(f'#!/bin/sh\nfor w; do case $w in h0?) echo $w >>{seen};; esac; done\nexec ssh "$@"\n')
        wrapper.chmod(0o755)
        return ["--ssh", wrapper], lambda: seen.read_text().split()

    def test_a_deploy_goes_once_to_a_host_and_once_more_to_that_of_the_roles(self):
        source = self.make_release("build", SMALL_BYTES)
        self.murder("fleet", "distribute-files")
        options, runs = self.counting_ssh()
        self.murder("deploy", source, "--tag", "v1", "--activate", "--keep-releases", "2", *options)
        # Connect, compare and the start of an agent go through one session; the coordinator and the archive have their own.
        self.assertEqual({host: runs().count(host) for host in self.hosts},
                         {host: 3 if host == "h01" else 1 for host in self.hosts})
        # By commands lock and unlock go through that session as well.
        (self.directory / "seen").unlink()
        self.murder("deploy", source, "--tag", "v1", "--activate", "--keep-releases", "2", "--no-coordinate", *options)
        self.assertEqual({host: runs().count(host) for host in self.hosts},
                         {host: 2 if host == "h01" else 1 for host in self.hosts})
        self.assert_release(source, "/srv/app/v1")
        self.assert_nothing_left()

    def test_a_coordinated_deploy_goes_once_to_a_host_also_with_few_forks(self):
        source = self.make_release("build", SMALL_BYTES)
        self.murder("fleet", "distribute-files")
        options, runs = self.counting_ssh()
        for number, words in enumerate(((), ("--forks", "2"), ("--forks", "1"))):
            with self.subTest(words):
                before = runs() if number else []
                self.murder("deploy", source, "--tag", f"v{number}", "--activate", "--coordinate", *words, *options)
                # What the coordinator says has a session of its own, and so has the archive.
                self.assertEqual({host: runs()[len(before):].count(host) for host in self.hosts},
                                 {host: 3 if host == "h01" else 1 for host in self.hosts})
        self.assert_nothing_left()

    def test_more_hosts_than_forks_are_asked_later(self):
        first = self.make_release("first", SMALL_BYTES)
        second = self.make_release("second", SMALL_BYTES, seed=2)
        self.murder("deploy", first, "--tag", "v1", "--activate", "--forks", "2")
        self.put_in_the_way("h03", "v2")
        told = json.loads(self.murder("deploy", second, "--tag", "v2", "--activate", "--quorum", "3", "--forks", "1",
                                      "--json", code=3).stdout)
        self.assertEqual(told["states"], {"h01": "active", "h02": "active", "h03": "failed", "h04": "active"})
        self.assert_release(first, "/srv/app/v1")
        self.assert_release(second, "/srv/app/v2", ["h01", "h02", "h04"])
        self.assertEqual([self.current(host) for host in self.hosts], ["v2", "v2", "v1", "v2"])
        self.assert_nothing_left()

    def test_an_interrupt_while_more_hosts_than_forks_fetch(self):
        source = self.make_release("build", SLOW_BYTES)
        self.slow_down(self.hosts[1:], "8mbit")
        deploy = self.start_murder("deploy", source, "--tag", "v1", "--forks", "1")
        wait_until(lambda: all(self.peers(host) for host in self.hosts[1:]), "peers on all hosts")
        self.send_to_deploy(signal.SIGINT)
        self.finish(deploy, 130)
        self.assert_nothing_left()

    def test_clush_brings_it_to_all_hosts(self):
        source = self.make_release("build", SMALL_BYTES)
        self.murder("deploy", source, "--tag", "v1", "--activate", "--launcher", "clush")
        self.assert_release(source, "/srv/app/v1")
        self.assertEqual({self.current(host) for host in self.hosts}, {"v1"})
        self.assert_nothing_left()

    def block_the_tracker(self):
        """Packets from control to port 8998 go to a host that drops them, as behind a firewall."""
        rule = ["ipproto", "tcp", "dport", "8998", "lookup", "100"]
        self.on(CONTROL, "ip", "route", "add", "default", "via", self.rack.addresses["h04"], "dev", "eth0", "table", "100")
        self.addCleanup(self.on, CONTROL, "ip", "route", "flush", "table", "100")
        self.on(CONTROL, "ip", "rule", "add", *rule)
        self.addCleanup(self.on, CONTROL, "ip", "rule", "del", *rule)

    def test_without_a_way_to_the_trackers_port_hosts_tell_how_far_they_are(self):
        source = self.make_release("build", SLOW_BYTES)
        self.block_the_tracker()
        self.slow_down(["h02"])
        result = self.murder("deploy", source, "--tag", "v1")
        # What lines of progress say comes through ssh.
        shares = [int(each) for each in re.findall(r"(?m)^fetching: .*; (\d+)% fetched", result.stderr)]
        self.assertTrue(any(0 < each < 100 for each in shares), result.stderr)
        self.assert_release(source, "/srv/app/v1")
        self.assert_nothing_left()

    def test_without_a_way_to_the_trackers_port_and_with_more_hosts_than_forks(self):
        source = self.make_release("build", SMALL_BYTES)
        self.block_the_tracker()
        self.murder("deploy", source, "--tag", "v1", "--forks", "2")
        self.assert_release(source, "/srv/app/v1")
        self.assert_nothing_left()


if __name__ == "__main__":
    unittest.main()
