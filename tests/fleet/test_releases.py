"""Which release is current where, the directory for temporary files, and files that others may have planted."""

import os
import unittest

from rack_case import RackCase
from rack_of_hosts.rack import CONTROL

NOBODY = 65534


class Releases(RackCase):
    HOST_COUNT = 3

    def setUp(self):
        super().setUp()
        self.write_config(variables='default_destination_path = "/srv/app"')
        for host in self.hosts:
            self.empty(host, "/srv", "/tmp", "/run/murder")
        self.empty(CONTROL, "/tmp")
        self.addCleanup(self.stop_all)

    def test_releases_are_shown_and_activated_on_all_hosts(self):
        for tag in ("v1", "v2"):
            self.murder("deploy", self.make_release(tag, 100_000), "--tag", tag, "--activate")
        self.on("h02", "rm", "-rf", "/srv/app/v1")
        refused = self.murder("fleet", "activate", "tag=v1", code=3)
        self.assertRegex(refused.stdout, "h02 .*v1")
        shown = self.murder("fleet", "releases").stdout
        self.assertRegex(shown, r"(?m)^HOST +CURRENT +BEFORE +RELEASES$")
        self.assertRegex(shown, r"(?m)^h01 +v1 ")
        self.assertRegex(shown, r"(?m)^h02 +v2 +- +v2$")
        self.assertIn("v1 is current on 2 hosts, v2 is current on 1 host", shown)
        self.murder("fleet", "activate", "--tag", "v2", "--to", "/srv/app")
        report = self.murder_json("fleet", "releases", "destination_path=/srv/app")
        self.assertEqual(report["hosts"], 3)
        self.assertEqual({host: each["current"] for host, each in report["releases"].items()},
                         {host: "v2" for host in self.hosts})
        self.assertEqual(report["releases"]["h03"]["releases"], ["v1", "v2"])
        self.assertIsNone(report["releases"]["h02"]["previous"])

    def test_temp_path_is_an_environment_variable(self):
        source = self.make_release("build", 100_000)
        self.copy_to("h01", source, "/srv/files")
        self.environment["temp_path"] = "/var/tmp/elsewhere"
        (self.rack.files_of(CONTROL) / "tmp").mkdir(exist_ok=True)
        for words in (["distribute-files"], ["start-tracker"],
                      ["create-torrent", "tag=v1", "files_path=/srv/files", "--do-not-download-torrent"]):
            self.murder("fleet", *words)
        place = self.rack.files_of("h01") / "var" / "tmp" / "elsewhere"
        self.assertEqual(sorted(path.name for path in place.iterdir()), ["v1.tar.zst", "v1.tar.zst.torrent"])
        # What is said on the command line is nearer.
        other = self.murder("fleet", "start-seeding", "tag=v1", "temp_path=/tmp", code=1)
        self.assertIn("no torrent of v1 is in /tmp", other.stdout)
        self.murder("fleet", "start-seeding", "tag=v1")
        self.murder("fleet", "stop-seeding", "tag=v1")
        self.murder("fleet", "stop-tracker")
        self.murder("fleet", "clean-temp-files", "tag=v1")
        self.assertFalse(any(place.iterdir()))
        self.assert_nothing_left()

    def test_a_torrent_that_another_user_put_into_the_temporary_directory_is_refused(self):
        source = self.make_release("build", 100_000)
        self.copy_to("h01", source, "/srv/files")
        for words in (["distribute-files"], ["start-tracker"],
                      ["create-torrent", "tag=v1", "files_path=/srv/files"]):
            self.murder("fleet", *words)
        name = "v1.tar.zst.torrent"
        os.chown(self.rack.files_of("h01") / "tmp" / name, NOBODY, NOBODY)
        for task in ("start-seeding", "download-torrent"):
            refused = self.murder("fleet", task, "tag=v1", code=1)
            self.assertRegex(refused.stdout + refused.stderr, f"/tmp/{name} is not a file of this user")
        os.chown(self.rack.files_of(CONTROL) / "tmp" / name, NOBODY, NOBODY)
        refused = self.murder("fleet", "peer", "tag=v1", code=1)
        self.assertRegex(refused.stderr, f"/tmp/{name} belongs to .*refused")
        for host in self.hosts:
            self.assertFalse(self.has_release(host, "/srv/app/v1"), host)

    def test_a_murder_toml_that_others_can_write_runs_nothing(self):
        (self.directory / "murder.toml").chmod(0o666)
        refused = self.murder("fleet", "distribute-files", code=1)
        self.assertRegex(refused.stderr, "murder.toml can be written by every user.*--config ./murder.toml")
        self.murder("fleet", "distribute-files", "--config", "murder.toml")


if __name__ == "__main__":
    unittest.main()
