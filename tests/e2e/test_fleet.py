"""The tasks of `murder fleet`, and trackers that several of them use."""

import json
import os
import shutil
import signal
import unittest

from fleet_case import FleetCase
from harness import free_port, wait_until


class Tasks(FleetCase):
    def test_the_walk_through_with_names_and_values(self):
        source = self.make_tree()
        shutil.copytree(source, self.home("h1", "my files"), symlinks=True)
        self.fleet("distribute_files")
        self.fleet("start_tracker")
        self.fleet("create_torrent", "tag=v 1", "files_path=~/my files", "do_not_download_torrent=1")
        self.fleet("start_seeding", "tag=v 1")
        refused = self.fleet("peer", "tag=v 1", code=1)
        self.assertIn("download-torrent", refused.stderr)
        self.fleet("download_torrent", "tag=v 1")
        self.assertTrue(self.path("home", "my temp", "v 1.tar.zst.torrent").exists())
        self.fleet("peer", "tag=v 1")
        self.assert_release(source, self.HOSTS, "v 1")
        self.fleet("peer", "tag=v 1", "destination_path=~/flat", "no_tag_directory=1")
        self.assert_same_tree(source, self.home("h3", "flat"))
        self.fleet("peer", "tag=v 1")  # it is there: done
        self.assertIn("v 1 is already in", self.home("h2", "run dir", "peer-v 1.outcome").read_text())
        self.fleet("peer", "tag=v 1", "unsafe_please_delete=1")
        self.fleet("stop_seeding", "tag=v 1")
        self.assertIn("no seeder of v 1 runs", self.fleet("stop_seeding", "tag=v 1", code=1).stdout)
        self.fleet("stop_tracker")
        self.assertIn(f"no tracker on port {self.port} runs", self.fleet("stop_tracker", code=1).stdout)
        self.fleet("clean_temp_files", "tag=v 1")
        self.assertEqual(list(self.path("home", "my temp").iterdir()), [])
        self.assert_nothing_left()

    def test_peers_fetch_and_clean_up(self):
        source = self.make_tree()
        shared_temp = self.path("shared temp")  # of all hosts and of this machine
        shutil.copytree(source, self.home("h2", "files"), symlinks=True)
        options = ("--seeder", "h2", "--temp-path", shared_temp)
        self.fleet("distribute-files")
        self.fleet("start-tracker")
        self.fleet("create-torrent", "--tag", "v1", "--files-path", "~/files", *options)
        self.fleet("start-seeding", "--tag", "v1", *options)
        self.fleet("peer", "--tag", "v1", "--temp-path", shared_temp, "--host", "h3")
        self.assert_release(source, ["h3"])
        self.fleet("peer", "--tag", "v1", "--temp-path", shared_temp, "--host", "h3")
        shutil.rmtree(self.release("h3"))
        self.release("h3").mkdir()
        (self.release("h3") / "theirs").touch()
        again = self.fleet("peer", "--tag", "v1", "--temp-path", shared_temp, "--host", "h3", code=1)
        self.assertRegex(again.stdout, r"h3 +peer +.*not empty")
        status = json.loads(self.fleet("status", "--json").stdout)["processes"]
        self.assertEqual([each["kind"] for each in status["h2"]], ["seeder"])
        in_use = self.fleet("clean-temp-files", "--tag", "v1", *options, code=3)
        self.assertRegex(in_use.stdout, r"h2 .*a seeder of v1 runs here")
        self.fleet("stop-seeding", "--tag", "v1", "--seeder", "h2")
        self.fleet("stop-all-peering")
        self.fleet("stop-tracker")
        self.fleet("clean-temp-files", "--tag", "v1", *options)
        self.assertEqual(list(shared_temp.iterdir()), [])
        self.assert_nothing_left()

    def test_a_build_that_is_there_is_skipped_and_another_one_replaced(self):
        self.fleet("distribute-files")
        before = {host: self.home(host, "my murder", "murder").stat().st_ino for host in self.HOSTS}
        self.home("h2", "my murder", "murder").write_bytes(b"#!/bin/sh\n")
        result = json.loads(self.fleet("distribute-files", "--json").stdout)
        self.assertEqual(result["installed"], ["h2"])
        self.assertEqual(result["had_it"], ["h1", "h3"])
        self.assertEqual(self.home("h1", "my murder", "murder").stat().st_ino, before["h1"])
        # What another deploy is just putting there is not ours to remove, and no reason to refuse.
        self.home("h3", "my murder", ".murder-new.1").touch()
        self.home("h3", "my murder", "murder").unlink()
        self.fleet("distribute-files")
        self.home("h1", "my murder", "precious").touch()
        self.home("h1", "my murder", "murder").unlink()
        refused = self.fleet("distribute-files", code=3)
        self.assertRegex(refused.stdout, r"h1 .*my murder holds precious, which is not murder's")
        self.assertTrue(self.home("h1", "my murder", "precious").exists())

    def test_hosts_that_are_not_named_or_named_wrongly_are_wrong_usage(self):
        for words in (["fleet", "hosts"], ["fleet", "status"], ["deploy", self.path("home"), "--tag", "v", "--to", "/x"]):
            self.assertIn("no hosts", self.murder(*words, code=2).stderr)
            self.assertIn("w[01-", self.murder(*words, "--host", "w[01-", code=2).stderr)

    def test_a_task_that_there_is_not_is_named_and_the_nearest_one_too(self):
        self.assertIn("murder fleet: there is no task 'distribute': did you mean 'distribute-files'?",
                      self.murder("fleet", "distribute", code=2).stderr)
        self.assertIn("murder fleet: missing task", self.murder("fleet", code=2).stderr)
        self.assertIn("murder fleet status: ", self.fleet("status", "--frobnicate", code=2).stderr)

    def test_what_is_written_wrongly_is_wrong_usage_also_in_a_file(self):
        self.assertIn("--launcher rsh", self.fleet("status", "--launcher", "rsh", code=2).stderr)
        self.fleet("status", "--launcher", "exec:sh -c {command}", code=2)
        good = self.config.read_text()
        for text in ("[murder]\nblah = 1\n", "[murder\n", "[fleet]\nlauncher = 'rsh'\n[roles]\npeer = 'h1'\n"):
            self.config.write_text(text)
            self.fleet("status", code=2)
        self.config.unlink()
        self.fleet("status", code=1)
        self.config.write_text(good)

    def test_a_place_on_the_hosts_is_a_whole_path(self):
        source = self.make_tree()
        for words in (["deploy", source, "--tag", "v1"], ["deploy", source, "--tag", "v1", "--plan"],
                      ["rollback"], ["fleet", "peer", "--tag", "v1"]):
            for to in ("relapp", "./x", "~other/x"):
                refused = self.murder(*words, "--to", to, "--config", self.config, code=2)
                self.assertIn(f"--to {to}: write the whole path", refused.stderr)
            refused = self.murder(*words, "--to", os.fsdecode(b"/srv/a\xff"), "--config", self.config, code=2)
            self.assertIn("--to /srv/a\\xff: its bytes are not UTF-8", refused.stderr)
        for host in self.HOSTS:
            self.assertFalse(self.home(host, "commands").exists())

    def test_a_tag_is_asked_for_before_any_host_is_reached(self):
        for words in (["peer"], ["start-seeding"], ["create-torrent", "tag=a/b"], ["clean-temp-files", "tag=.."]):
            self.assertIn("tag", self.fleet(*words, code=2).stderr)
        for host in self.HOSTS:
            self.assertFalse(self.home(host, "commands").exists())

    def test_a_deploy_of_a_tag_that_the_link_to_the_current_release_has_is_refused_before_any_host_is_reached(self):
        refused = self.murder("deploy", self.make_tree(), "--tag", "current", "--config", self.config, "--to", "/srv/app",
                              code=2)
        self.assertIn("--tag current: that is the name of the link", refused.stderr)
        for host in self.HOSTS:
            self.assertFalse(self.home(host, "commands").exists())


class Trackers(FleetCase):
    """Two on one host: what is done to that of one port leaves that of the other alone."""

    def setUp(self):
        super().setUp()
        self.other_port = free_port("0.0.0.0")
        self.other = ("--tracker-port", str(self.other_port))
        self.fleet("distribute-files")
        self.fleet("start-tracker")
        self.pid = self.processes_of("h1")[0]["pid"]

    def serve(self, tag, *words):
        source = self.make_tree(tag)
        shutil.copytree(source, self.home("h1", tag), symlinks=True)
        self.fleet("create-torrent", f"tag={tag}", f"files_path=~/{tag}", "do_not_download_torrent=1", *words)
        self.fleet("start-seeding", f"tag={tag}", *words)
        wait_until(lambda: [each for each in self.processes_of("h1") if each["tag"] == tag
                            and each["kind"] == "seeder" and each["details"]["trackers_working"]],
                   "a tracker knows the seeder")

    def tracker_pids(self):
        return [each["pid"] for each in self.processes_of("h1") if each["kind"] == "tracker"]

    def test_stop_tracker_ends_that_of_the_port_alone(self):
        refused = self.fleet("stop-tracker", *self.other, code=1)
        self.assertIn(f"no tracker on port {self.other_port} runs", refused.stdout)
        self.fleet("start-tracker", *self.other)
        self.fleet("stop-tracker", *self.other)
        self.assertEqual(self.tracker_pids(), [self.pid])

    def test_stop_tracker_leaves_one_that_a_release_is_served_through_unless_forced(self):
        self.serve("v1")
        refused = self.fleet("stop-tracker", code=1)
        self.assertIn("v1 is distributed through it (it is served): --force", refused.stdout)
        self.assertEqual(self.tracker_pids(), [self.pid])
        self.fleet("stop-tracker", "--force")
        self.assertEqual(self.tracker_pids(), [])

    def test_a_deploy_ends_its_own_tracker_and_leaves_that_of_another_port(self):
        self.serve("v1")
        result = self.deploy(self.make_tree(), "--tag", "v2", *self.other)
        self.assertIn("started the tracker on h1", result.stderr)
        self.assertEqual(self.tracker_pids(), [self.pid])
        self.assertNotIn("is left running", result.stderr)

    def test_a_deploy_leaves_its_tracker_to_a_release_that_came_to_it_meanwhile(self):
        self.home("h3", "slow").touch()
        running = self.start("deploy", self.make_tree(), "--tag", "v2", "--no-coordinate", "--open", "--config", self.config,
                             *self.other)
        wait_until(lambda: self.release("h2", "v2").exists(), "the release on h2")
        self.serve("v1", *self.other)
        running.signal(signal.SIGINT)
        self.assertEqual(running.wait(), 130)
        self.assertIn("the tracker on h1 is left running: v1 is distributed through it", running.error)
        self.assertEqual(len(self.tracker_pids()), 2)
        self.home("h3", "slow").unlink()


if __name__ == "__main__":
    unittest.main()
