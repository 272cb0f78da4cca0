"""What is put on hosts before anything else, and the ways in which they are reached."""

import subprocess
import sys
import unittest

from rack_case import RackCase, wait_until


class Distribution(RackCase):
    HOST_COUNT = 3

    def program(self, host):
        return self.rack.files_of(host) / "opt" / "murder" / "murder"

    def test_hosts_that_have_the_same_build_are_skipped(self):
        self.write_config()
        self.murder("fleet", "distribute-files")
        before = {host: self.program(host).stat() for host in self.hosts}
        self.program("h02").write_bytes(b"damaged")
        self.murder("fleet", "distribute-files")
        for host in ("h01", "h03"):
            self.assertEqual(self.program(host).stat().st_ino, before[host].st_ino, host)
            self.assertEqual(self.program(host).stat().st_mtime_ns, before[host].st_mtime_ns, host)
        self.on("h02", "/opt/murder/murder", "--version")

    def test_a_directory_that_is_not_ours_is_not_cleared(self):
        self.write_config(variables='remote_murder_path = "/srv/precious"')
        precious = self.rack.files_of("h02") / "srv" / "precious"
        precious.mkdir()
        (precious / "database").write_text("of somebody else")
        refused = self.murder("fleet", "distribute-files", code=3)
        self.assertRegex(refused.stdout + refused.stderr, r"h02.*/srv/precious")
        self.assertEqual([path.name for path in precious.iterdir()], ["database"])
        self.assertTrue((self.rack.files_of("h03") / "srv" / "precious" / "murder").is_file())

    def test_the_hosts_that_the_tasks_reach_are_shown(self):
        self.write_config(tracker="h02")
        shown = self.murder("fleet", "hosts").stdout
        for host in self.hosts:
            self.assertIn(host, shown)


class Ports(RackCase):
    HOST_COUNT = 3

    def setUp(self):
        super().setUp()
        self.addCleanup(self.stop_all)

    def test_hosts_listen_for_each_other_on_the_ports_that_were_named(self):
        self.write_config(variables='peer_port = "51000-51001"')
        source = self.make_release("build", 500_000)
        self.copy_to("h01", source, "/srv/files")
        # A port that is taken is passed over.
        taken = self.start_on("h02", sys.executable, "-c",
                              "import socket; s = socket.create_server(('0.0.0.0', 51000)); input()",
                              stdin=subprocess.PIPE)
        wait_until(lambda: 51000 in self.listening_ports("h02"), "port 51000 of h02")
        for words in (["distribute-files"], ["start-tracker"],
                      ["create-torrent", "tag=one", "files_path=/srv/files"], ["start-seeding", "tag=one"],
                      ["peer", "tag=one", "destination_path=/tmp/app", "--seed-for", "10m"]):
            self.murder("fleet", *words)
        self.assert_release(source, "/tmp/app/one")
        self.assertEqual(self.listening_ports("h01") - {22, 8998}, {51000, 51001})
        self.assertEqual(self.listening_ports("h02") - {22}, {51000, 51001})
        self.assertEqual(self.listening_ports("h03") - {22}, {51000})
        self.finish(taken, code=None)

    def test_a_range_without_a_free_port_is_an_error_that_names_it(self):
        self.write_config()
        refused = self.murder("fleet", "hosts", "--peer-port", "9-8", code=2)
        self.assertIn("'9-8' is not a range of ports", refused.stderr)


class OtherLaunchers(RackCase):
    HOST_COUNT = 4

    def run_tasks(self, *options):
        self.write_config(tracker="h01", seeder="h01")
        for host in self.hosts:
            self.empty(host, "/opt", "/tmp")
        source = self.make_release("files", 1_000_000)
        self.copy_to("h01", source, "/srv/files")
        self.addCleanup(self.on, "h01", "rm", "-rf", "/srv/files")
        self.addCleanup(self.stop_all)
        for words in (
            ["distribute-files"], ["start-tracker"], ["create-torrent", "tag=one", "files_path=/srv/files"],
            ["start-seeding", "tag=one"], ["peer", "tag=one", "destination_path=/tmp/app"],
            ["stop-seeding", "tag=one"], ["stop-tracker"],
        ):
            self.murder("fleet", *words, *options)
        self.assert_release(source, "/tmp/app/one")

    def test_clush(self):
        self.run_tasks("--launcher", "clush")

    def test_any_command(self):
        self.run_tasks("--launcher", "exec:ssh {host} {command}")

    def test_another_ssh(self):
        marker = self.directory / "seen"
        wrapper = self.directory / "my-ssh"
        wrapper.write_text(f'#!/bin/sh\necho "$*" >>{marker}\nexec ssh "$@"\n')
        wrapper.chmod(0o755)
        self.run_tasks("--ssh", f"{wrapper} -o LogLevel=ERROR")
        self.assertIn("-o LogLevel=ERROR", marker.read_text())


if __name__ == "__main__":
    unittest.main()
