"""Hosts under names that only the operator knows, and machines under several names."""

import json
import unittest

from rack_case import RackCase


class NamesOfTheOperator(RackCase):
    HOST_COUNT = 3

    def setUp(self):
        super().setUp()
        for host in self.hosts:
            self.empty(host, "/srv/app", "/tmp", "/run/murder")
        self.addCleanup(self.stop_all)

    def aliases(self, more=""):
        """An ssh_config in which web01 is h01, and so on; no host can resolve these names."""
        lines = [more]
        for host, address in self.rack.addresses.items():
            lines += [f"Host web{host[1:]}", f"  HostName {address}", f"  HostKeyAlias {host}"]
        lines += ["Host *", f"  Include {self.rack.ssh_config}"]
        path = self.directory / "ssh_config"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return ["--ssh", f"ssh -F {path}"]

    def test_aliases_of_an_ssh_config_are_enough_for_a_deploy(self):
        source = self.make_release("build", 1_000_000)
        self.murder("deploy", source, "--tag", "v1", "--to", "/srv/app", "--host", "web[01-03]", *self.aliases())
        self.assert_release(source, "/srv/app/v1")
        self.assert_nothing_left()

    def test_aliases_are_enough_for_the_tasks(self):
        source = self.make_release("build", 1_000_000)
        self.copy_to("h02", source, "/srv/files")
        self.addCleanup(self.on, "h02", "rm", "-rf", "/srv/files")
        options = ["--host", "web[01-03]", "--tracker", "web02", "--seeder", "web02", *self.aliases()]
        for words in (
            ["distribute-files"], ["start-tracker"], ["create-torrent", "tag=v1", "files_path=/srv/files"],
            ["start-seeding", "tag=v1"], ["peer", "tag=v1", "destination_path=/srv/app"],
            ["stop-seeding", "tag=v1"], ["stop-tracker"], ["stop-all-peering"], ["clean-temp-files", "tag=v1"],
        ):
            self.murder("fleet", *words, *options)
        self.assert_release(source, "/srv/app/v1")
        self.assert_nothing_left()

    def test_a_machine_with_two_names_is_worked_on_once_and_named(self):
        source = self.make_release("build", 1_000_000)
        result = self.murder("deploy", source, "--tag", "v1", "--to", "/srv/app", "--activate",
                             "--host", "h01,web01,h02", *self.aliases(), "--json")
        self.assertIn("web01 and h01 are names of one machine", result.stderr)
        report = json.loads(result.stdout)
        self.assertEqual(report["other_names"], {"web01": "h01"})
        self.assertEqual(report["hosts"], 2)
        self.assertEqual(report["done"], ["h01", "h02"])
        self.assert_release(source, "/srv/app/v1", ["h01", "h02"])
        self.assert_nothing_left()

    def test_tasks_are_done_once_on_a_machine_with_two_names(self):
        source = self.make_release("build", 1_000_000)
        options = ["--host", "h01,web01,h02", "--tracker", "h02,web02", "--seeder", "web02,h02", *self.aliases()]
        self.copy_to("h02", source, "/srv/files")
        self.addCleanup(self.on, "h02", "rm", "-rf", "/srv/files")
        self.murder("fleet", "distribute-files", *options)
        for words, twice, hosts in (
            (["start-tracker"], {"web02": "h02"}, 1),
            (["create-torrent", "tag=v1", "files_path=/srv/files"], {"h02": "web02"}, 1),
            (["start-seeding", "tag=v1"], {"web02": "h02"}, 1),
            (["peer", "tag=v1", "destination_path=/srv/app"], {"web01": "h01"}, 2),
            (["activate", "tag=v1", "destination_path=/srv/app"], {"web01": "h01"}, 2),
            (["stop-seeding", "tag=v1"], {"web02": "h02"}, 1),
            (["stop-tracker"], {"web02": "h02"}, 1),
            (["stop-peering", "tag=v1"], {"web01": "h01"}, 2),
            (["clean-temp-files", "tag=v1"], {"web01": "h01", "web02": "h02"}, 2),
        ):
            with self.subTest(words[0]):
                told = json.loads(self.murder("fleet", *words, *options, "--json").stdout)
                self.assertEqual((told["other_names"], told["hosts"]), (twice, hosts))
                self.assertEqual(len(told["done"]), hosts)
        self.assert_nothing_left()

    def test_what_an_ssh_config_says_for_sessions_of_a_person_does_not_hold(self):
        source = self.make_release("build", 1_000_000)
        sessions = "Host *\n  RemoteCommand top\n  RequestTTY force\n  LocalForward 12345 localhost:22\n" \
                   "  ExitOnForwardFailure yes\n  SessionType none\n  StdinNull yes\n  ForkAfterAuthentication yes\n" \
                   "  PermitLocalCommand yes\n  LocalCommand cat; echo local\n  ForwardX11 yes\n  LogLevel DEBUG3"
        self.murder("deploy", source, "--tag", "v1", "--to", "/srv/app", "--host", "h[01-03]", *self.aliases(sessions))
        self.assert_release(source, "/srv/app/v1")

    def test_why_a_host_is_not_reached_is_said_at_any_log_level_of_an_ssh_config(self):
        closed = f"Host closed\n  HostName {self.rack.addresses['h01']}\n  Port 2222\n"
        for level in ("QUIET", "FATAL", "DEBUG3"):
            result = self.murder("fleet", "distribute-files", "--host", "web01,closed", "--retries", "0",
                                 *self.aliases(f"{closed}Host *\n  LogLevel {level}"), code=3)
            self.assertRegex(result.stdout, r"closed .*Connection refused\n", level)

    def test_a_host_key_that_has_changed_is_told_from_one_that_is_not_known(self):
        keys = [line.split(" ", 1) for line in (self.rack.ssh_config.parent / "known_hosts").read_text().splitlines()]
        known = self.directory / "known_hosts"
        known.write_text(f"{keys[0][0]} {keys[1][1]}\n")  # h01 with the key of h02
        result = self.murder("fleet", "distribute-files", "--host", "h[01-02]",
                             *self.aliases(f"Host *\n  UserKnownHostsFile {known}"), code=1)
        self.assertRegex(result.stdout, rf"h01 .*another one than before \(ED25519 key in {known}:1\)")
        self.assertRegex(result.stdout, r"h02 .*it is not known here")


if __name__ == "__main__":
    unittest.main()
