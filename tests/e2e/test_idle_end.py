"""Processes that were told to end when nobody needs them any more."""

import unittest

from harness import MurderCase, wait_until


class IdleEnd(MurderCase):
    def test_a_tracker_and_a_seeder_end_when_nobody_needs_them_and_not_before(self):
        source = self.make_tree()
        tracker = self.start_tracker("--end-when-idle", "1s")
        torrent = self.create(source, "v1", tracker=tracker)
        self.murder("seed", torrent, "--background", "--end-when-idle", "2s")
        # A peer that stays keeps both.
        self.peer(torrent, "--seed-for", "1h")
        self.assertEqual({process["kind"] for process in self.processes()}, {"tracker", "seeder", "peer"})
        self.murder("stop", "v1", "--peering")
        wait_until(lambda: not [each for each in self.processes() if each["kind"] == "seeder"], "the seeder's end")
        wait_until(lambda: not self.processes(), "the tracker's end")

    def test_a_seeder_of_a_deploy_ends_with_it_and_its_archive_goes(self):
        archives = {}
        for tag in ("v1", "v2"):
            torrent = self.create(self.make_tree(f"build of {tag}"), tag)
            archives[tag] = torrent.parent / f"{tag}.tar.zst"
            if tag == "v1":
                self.murder("lock", tag, "--app", "/srv/app", "--token", "ab1", "--owner", "she@laptop", "--json")
            self.seed(torrent, "--ends-with-deploy")

        def seeders():
            return [process["tag"] for process in self.processes()]

        # The deploy of the other one was over before it began to serve.
        wait_until(lambda: "v2" not in seeders(), "the end of a seeder without a deploy")
        self.assertEqual((seeders(), archives["v1"].exists(), archives["v2"].exists()), (["v1"], True, False))
        self.murder("unlock", "--token", "ab1", "--json")
        wait_until(lambda: not seeders(), "the end of the other one")
        self.assertFalse(archives["v1"].exists())

    def test_a_seeder_of_a_deploy_that_keeps_its_files_leaves_the_archive(self):
        torrent = self.create(self.make_tree(), "v1")
        self.seed(torrent, "--ends-with-deploy", "--keep-temp-files")
        wait_until(lambda: not self.processes(), "the end of a seeder without a deploy")
        self.assertTrue((torrent.parent / "v1.tar.zst").exists())


if __name__ == "__main__":
    unittest.main()
