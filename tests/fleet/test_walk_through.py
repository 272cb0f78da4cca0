"""The walk-through of Murder's README, task by task, on hosts that had nothing of murder before."""

import unittest

from rack_case import RackCase

ARCHIVE_BYTES = 8_000_000


class WalkThrough(RackCase):
    HOST_COUNT = 8
    RATE = "200mbit"

    def copy_to_seeder(self, source, host="h01"):
        self.copy_to(host, source, "~/files")
        self.addCleanup(self.on, host, "rm", "-rf", "/root" + "/files", code=None)

    def clean_up(self):
        """What a test that failed may have left, so that the next one has hosts without it."""
        self.stop_all()
        for host in self.hosts:
            self.empty(host, "/tmp", "/srv", "/run/murder")

    def test_with_flags(self):
        self.addCleanup(self.clean_up)
        source = self.make_release("files", ARCHIVE_BYTES)
        self.write_config(tracker="h01", seeder="h01")
        self.copy_to_seeder(source)

        self.murder("fleet", "distribute-files")
        for host in self.hosts:
            self.assertTrue((self.rack.files_of(host) / "opt" / "murder" / "murder").is_file(), host)
        self.murder("fleet", "start-tracker")
        self.assertIn(8998, self.listening_ports("h01"))
        self.murder("fleet", "create-torrent", "--tag", "Deploy1", "--files-path", "~/files")
        self.murder("fleet", "start-seeding", "--tag", "Deploy1")
        self.murder("fleet", "peer", "--tag", "Deploy1", "--destination-path", "/tmp")
        self.assert_release(source, "/tmp/Deploy1")
        self.murder("fleet", "stop-seeding", "--tag", "Deploy1")
        self.assertIsNone(self.process("h01", "murder seed"))
        self.murder("fleet", "stop-tracker")
        self.assertNotIn(8998, self.listening_ports("h01"))
        self.assert_release(source, "/tmp/Deploy1")

        # Peers go on seeding for a while unless they are told not to; the archives stay until they are cleaned.
        self.murder("fleet", "stop-all-peering", code=None)
        self.assertTrue(self.temporary_files("h02"))
        self.murder("fleet", "clean-temp-files", "--tag", "Deploy1")
        self.assert_nothing_left()
        self.assert_release(source, "/tmp/Deploy1")

    def test_with_names_and_values_as_murder_wrote_them(self):
        self.addCleanup(self.clean_up)
        source = self.make_release("files", ARCHIVE_BYTES, seed=2)
        self.write_config(tracker="h02", seeder="h03")
        self.copy_to_seeder(source, "h03")

        self.murder("fleet", "distribute_files")
        self.murder("fleet", "start_tracker")
        self.murder("fleet", "create_torrent", "tag=Deploy2", "files_path=~/files", "do_not_download_torrent=1")
        self.murder("fleet", "download_torrent", "tag=Deploy2")
        self.murder("fleet", "start_seeding", "tag=Deploy2")
        self.murder("fleet", "peer", "tag=Deploy2", "destination_path=/srv/app")
        self.assert_release(source, "/srv/app/Deploy2")

        # Once more into the same place: it is done. What is there of something else stays, unless it is to go.
        self.murder("fleet", "stop_peering", "tag=Deploy2", code=None)
        self.murder("fleet", "peer", "tag=Deploy2", "destination_path=/srv/app")
        for host in self.hosts:
            (self.rack.files_of(host) / "srv" / "other" / "Deploy2").mkdir(parents=True)
            (self.rack.files_of(host) / "srv" / "other" / "Deploy2" / "file").write_text("of somebody else")
        refused = self.murder("fleet", "peer", "tag=Deploy2", "destination_path=/srv/other", code=1)
        self.assertIn("not empty", refused.stdout + refused.stderr)
        for host in self.hosts:
            (self.rack.files_of(host) / "srv" / "app" / "Deploy2" / "old").write_text("of an earlier deploy")
        self.murder("fleet", "peer", "tag=Deploy2", "destination_path=/srv/app", "unsafe_please_delete=1")
        self.assert_release(source, "/srv/app/Deploy2")
        self.murder("fleet", "peer", "tag=Deploy2", "destination_path=/srv/flat", "no_tag_directory=1")
        self.assert_release(source, "/srv/flat")

        self.murder("fleet", "stop_seeding", "tag=Deploy2")
        self.murder("fleet", "stop_tracker")
        self.murder("fleet", "stop_all_peering", code=None)
        self.murder("fleet", "clean_temp_files", "tag=Deploy2")
        self.assert_nothing_left()

    def test_a_release_that_is_a_file(self):
        self.addCleanup(self.clean_up)
        content = bytes(range(256)) * 4096
        (self.rack.files_of("h01") / "srv" / "package.deb").write_bytes(content)
        self.write_config(tracker="h01", seeder="h01")
        self.murder("fleet", "distribute-files")
        self.murder("fleet", "start-tracker")
        self.murder("fleet", "create-torrent", "tag=one", "files_path=/srv/package.deb", "path_is_file=1")
        self.murder("fleet", "start-seeding", "tag=one", "path_is_file=1")
        self.murder("fleet", "peer", "tag=one", "destination_path=/srv/here", "path_is_file=1")
        for host in self.hosts:
            self.assertEqual((self.rack.files_of(host) / "srv" / "here").read_bytes(), content, host)
        self.murder("fleet", "stop-all-seeding")
        self.murder("fleet", "stop-tracker")
        self.murder("fleet", "clean-temp-files", "tag=one", "path_is_file=1")
        self.assert_nothing_left()

    def test_stopping_what_does_not_run_is_an_error(self):
        self.write_config(tracker="h01", seeder="h01")
        self.murder("fleet", "distribute-files")
        for words in (["stop-tracker"], ["stop-seeding", "tag=none"], ["stop-all-seeding"]):
            refused = self.murder("fleet", *words, code=1)
            self.assertRegex(refused.stdout + refused.stderr, r"h01.*(no |not )", words)

    def test_a_tag_with_a_slash_and_a_task_without_a_tag_are_refused_before_any_host_is_reached(self):
        self.write_config(tracker="h01", seeder="h01", peer="there-is-no-such-host")
        for words in (["create-torrent", "tag=a/b", "files_path=/srv"], ["peer", "--destination-path", "/srv"],
                      ["start-seeding"]):
            refused = self.murder("fleet", *words, code=2)
            self.assertIn("tag", refused.stderr, words)


if __name__ == "__main__":
    unittest.main()
