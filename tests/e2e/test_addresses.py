"""Hosts that know themselves by loopback addresses, and hosts with IPv6 alone, in network namespaces of the test."""

import http.client
import os
import shutil
import subprocess
import unittest

from harness import PROGRAM, MurderCase, free_address

HEAD = "head.murder.test"


def can_make_namespaces():
    if os.geteuid() != 0 or not shutil.which("ip"):
        return False
    return subprocess.run(["unshare", "--net", "--mount", "true"], capture_output=True, check=False).returncode == 0


@unittest.skipUnless(can_make_namespaces(), "needs root and network namespaces")
class InNamespaces(MurderCase):
    """A host `head` with tracker and seeder, and two others, on one network."""

    def setUp(self):
        super().setUp()
        self.namespaces = {}
        for name in ("head", "one", "two"):
            self.namespaces[name] = f"murder-{os.getpid()}-{name}"
            self.addCleanup(self.ip, "netns", "delete", self.namespaces[name], check=False)
            self.ip("netns", "add", self.namespaces[name])
            self.ip_in(name, "link", "set", "lo", "up")
        self.ip_in("head", "link", "add", "bridge", "type", "bridge")
        self.ip_in("head", "link", "set", "bridge", "up")
        for name in ("one", "two"):
            self.ip_in("head", "link", "add", f"to-{name}", "type", "veth", "peer", "name", "net0",
                       "netns", self.namespaces[name])
            self.ip_in("head", "link", "set", f"to-{name}", "master", "bridge", "up")
            self.ip_in(name, "link", "set", "net0", "up")

    @staticmethod
    def ip(*arguments, check=True):
        subprocess.run(["ip", *arguments], check=check, capture_output=True, timeout=30)

    def ip_in(self, name, *arguments):
        self.ip("-n", self.namespaces[name], *arguments)

    def address_all(self, *addresses):
        for number, name in enumerate(("head", "one", "two"), 1):
            for address in addresses:
                options = ["nodad"] if ":" in address else []
                self.ip_in(name, "address", "add", address % number, "dev", "bridge" if name == "head" else "net0",
                           *options)

    def command(self, name, hosts, *arguments):
        """A command line that runs on host `name`, whose /etc/hosts has these lines."""
        file = self.path(f"hosts-{name}")
        file.write_text(hosts)
        return ["ip", "netns", "exec", self.namespaces[name], "unshare", "--mount", "sh", "-c",
                'mount --bind "$0" /etc/hosts && exec "$@"', str(file), PROGRAM, *map(str, arguments)]

    def in_namespace(self, name, hosts, *arguments, code=0):
        result = subprocess.run(self.command(name, hosts, *arguments), capture_output=True, text=True, timeout=60,
                                env=self.environment, stdin=subprocess.DEVNULL, check=False)
        if code is not None:
            self.assertEqual(result.returncode, code, f"{arguments}\n{result.stdout}\n{result.stderr}")
        return result

    def peer_on(self, name, hosts, torrent):
        target = self.path(name, "to")
        self.in_namespace(name, hosts, "peer", torrent, "--to", target, "--temp-path", self.path(name, "temp"),
                          "--seed-for", "0")
        self.assert_same_tree(self.source, target / "v1")

    def deploy(self, hosts, tracker=f"{HEAD}:8998", listen=()):
        """From `head` to a peer on each host; `hosts` are the lines of /etc/hosts by name."""
        self.source = self.make_tree()
        torrent = self.create(self.source, "v1", tracker=tracker)
        self.in_namespace("head", hosts["head"], "tracker", "--background", *listen)
        said = self.in_namespace("head", hosts["head"], "seed", torrent, "--background").stdout
        self.assertIn("a tracker knows it", said)
        for name in ("one", "two", "head"):
            self.path(name, "to").mkdir(parents=True)
            self.peer_on(name, hosts[name], torrent)

    def test_a_seeder_on_the_trackers_host_whose_name_is_a_loopback_address_there(self):
        self.address_all("10.77.0.%d/24")
        others = f"127.0.0.1 localhost\n10.77.0.1 {HEAD}\n"
        self.deploy({"head": f"127.0.0.1 localhost\n127.0.1.1 {HEAD}\n", "one": others, "two": others})

    def test_the_same_reached_over_ipv6(self):
        self.address_all("10.77.0.%d/24", "fd77::%d/64")
        others = f"127.0.0.1 localhost\nfd77::1 {HEAD}\n"
        self.deploy({"head": f"127.0.0.1 localhost\n127.0.1.1 {HEAD}\n", "one": others, "two": others})

    def test_hosts_with_ipv6_alone_and_names_that_are_such_addresses(self):
        self.address_all("fd77::%d/64")
        others = f"::1 localhost\nfd77::1 {HEAD}\n"
        self.deploy({"head": others, "one": others, "two": others})

    def test_hosts_with_ipv6_alone_of_which_the_first_is_a_loopback_address_of_ipv4_to_itself(self):
        self.address_all("fd77::%d/64")
        others = f"::1 localhost\nfd77::1 {HEAD}\n"
        self.deploy({"head": f"::1 localhost\n127.0.1.1 {HEAD}\n", "one": others, "two": others})

    def test_a_tracker_named_by_an_ipv6_address(self):
        self.address_all("fd77::%d/64")
        hosts = "::1 localhost\n"
        self.deploy({name: hosts for name in self.namespaces}, tracker="[fd77::1]:8998",
                    listen=["--listen", "[fd77::1]:8998"])

    def test_a_tracker_on_a_host_whose_ipv6_is_off(self):
        for name, namespace in self.namespaces.items():
            subprocess.run(["ip", "netns", "exec", namespace, "sh", "-c",
                            "echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6"], check=True, timeout=30)
        self.address_all("10.77.0.%d/24")
        others = f"127.0.0.1 localhost\n10.77.0.1 {HEAD}\n"
        self.deploy({name: others for name in self.namespaces})


class OnLoopback(MurderCase):
    def test_ipv6_loopback_wherever_an_address_is_written(self):
        with open("/proc/net/if_inet6", encoding="ascii") as addresses:
            if "00000000000000000000000000000001" not in addresses.read():
                self.skipTest("this host has no ::1")
        self.murder("tracker", "--listen", "[::1]:18998", "--background")
        source = self.make_tree()
        torrent = self.create(source, "v1", tracker="[::1]:18998")
        self.seed(torrent, address="::1")
        self.path("host", "to").mkdir(parents=True)
        self.peer(torrent, "--ip", "::1")
        self.assert_same_tree(source, self.path("host", "to", "v1"))

    def test_a_tracker_on_all_addresses_is_reached_by_both_families(self):
        self.murder("tracker", "--listen", "[::]:18997", "--background")
        for host in ("127.0.0.1", free_address(), "::1"):
            with self.subTest(host=host):
                connection = http.client.HTTPConnection(host, 18997, timeout=10)
                connection.request("GET", "/status.json")
                self.assertEqual(connection.getresponse().status, 200)
                connection.close()


if __name__ == "__main__":
    unittest.main()
