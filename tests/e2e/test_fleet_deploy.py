"""`murder deploy` and `murder rollback`."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import unittest

from fleet_case import FleetCase
from harness import is_alive, wait_until


class Deploy(FleetCase):
    def test_one_command_brings_it_everywhere_and_leaves_nothing(self):
        source = self.make_tree()
        result = self.deploy(source, "--tag", "v1", "--json")
        told = json.loads(result.stdout)
        self.assertEqual(told["done"], list(self.HOSTS))
        self.assertEqual(told["failed"], [])
        self.assert_release(source, self.HOSTS)
        self.assert_nothing_left()

    def test_peers_write_their_metrics_where_murder_toml_says(self):
        source = self.make_tree()
        text = self.config.read_text()
        self.config.write_text(text.replace("[murder]\n", '[murder]\nmetrics_file = "~/my metrics/peer.prom"\n'))
        for host in self.HOSTS:
            self.home(host, "my metrics").mkdir()
        for _ in range(2):  # the second time it is there already
            self.deploy(source, "--tag", "v1")
            for host in self.HOSTS:
                told = self.home(host, "my metrics", "peer.prom").read_text()
                self.assertRegex(told, r'murder_peer_state\{role="peer",tag="v1",info_hash="\w+",state="done"\} 1')
            self.assert_nothing_left()

    def test_closed_is_never_open_where_the_tracker_cannot_have_the_key(self):
        source = self.make_tree()
        # Of somebody else, as far as the deploy can see.
        self.murder("tracker", "--listen", f"[::]:{self.port}", "--background", "--run-dir", self.path("other run"))
        self.addCleanup(self.murder, "stop", "--all", "--run-dir", self.path("other run"))
        failed = self.deploy(source, "--tag", "v1", "--closed", code=1)
        self.assertIn("--closed: the tracker on h1 cannot have the key of this deploy", failed.stderr + failed.stdout)
        for host in self.HOSTS:
            self.assertFalse(self.release(host).exists())
        self.assert_nothing_left()
        self.deploy(source, "--tag", "v1")
        self.assert_release(source, self.HOSTS)

    def test_this_machine_serves(self):
        source = self.make_tree()
        self.deploy(source, "--tag", "v1", "--local-seeder")
        self.assert_release(source, self.HOSTS)
        self.assert_nothing_left()
        self.assertEqual(self.processes(), [])

    def test_a_path_of_the_seeder_is_packed_there(self):
        source = self.make_tree()
        shutil.copytree(source, self.home("h1", "build"), symlinks=True)
        self.deploy("~/build", "--tag", "v1", "--on-seeder")
        self.assert_release(source, self.HOSTS)
        self.assert_nothing_left()

    def test_the_table_names_who_failed_and_they_get_it_later(self):
        source = self.make_tree()
        self.home("h2", "down").touch()
        self.release("h3").mkdir(parents=True)
        (self.release("h3") / "old").touch()
        failed = self.deploy(source, "--tag", "v1", code=3)
        self.assertRegex(failed.stdout, r"(?m)^h2 .*No route to host")
        self.assertRegex(failed.stdout, r"(?m)^h3 +peer .*not empty")
        self.assertIn("1 of 3 hosts got v1", failed.stdout)
        self.assert_release(source, ["h1"])
        self.assertEqual([each.name for each in self.release("h3").iterdir()], ["old"])
        self.assert_nothing_left(["h1", "h3"])

        self.home("h2", "down").unlink()
        self.home("h1", "commands").unlink()
        (source / "new").touch()
        changed = self.deploy(source, "--tag", "v1", "--retry-failed", code=1)
        self.assertIn("it has changed since", changed.stdout)
        (source / "new").unlink()
        os.utime(source, ns=(1, 1))
        self.deploy(source, "--tag", "v1", "--retry-failed", code=1)  # the time of a directory counts as well

    def test_retry_failed_reaches_those_that_failed_alone(self):
        source = self.make_tree()
        self.home("h2", "down").touch()
        self.deploy(source, "--tag", "v1", code=3)
        self.home("h2", "down").unlink()
        self.home("h3", "commands").unlink()
        retried = self.deploy(source, "--tag", "v1", "--retry-failed")
        self.assertIn("1 of 1 hosts got v1", retried.stdout)
        self.assertIn("; with those before, 3 of 3 hosts have it", retried.stdout)
        self.assert_release(source, self.HOSTS)
        self.assertFalse(self.home("h3", "commands").exists())
        self.assertIn("succeeded on every host", self.deploy(source, "--tag", "v1", "--retry-failed").stdout)
        self.assert_nothing_left()

    def test_a_deploy_to_no_hosts_is_wrong_usage(self):
        self.config.write_text(self.config.read_text().split("[roles]")[0] + '[roles]\nseeder = "h1"\n')
        for words in ((), ("--retry-failed",), ("--json",)):
            refused = self.deploy(self.make_tree(words[0] if words else "source"), "--tag", "v1", *words, code=2)
            self.assertIn("no hosts to deploy to", refused.stderr)
        self.assertFalse(self.home("h1", "commands").exists())

    def test_a_deploy_without_one_before_it_cannot_be_retried(self):
        refused = self.deploy(self.make_tree(), "--tag", "v1", "--retry-failed", code=1)
        self.assertIn("no deploy of v1 has ended on this machine", refused.stderr)

    def test_a_tracker_that_runs_is_used_and_left_running(self):
        source = self.make_tree()
        self.fleet("distribute-files")
        self.fleet("start-tracker")
        self.assertIn("runs there already", self.fleet("start-tracker").stderr)
        before = [each["pid"] for each in self.processes_of("h1")]
        self.deploy(source, "--tag", "v1")
        self.assertEqual([each["pid"] for each in self.processes_of("h1")], before)
        self.fleet("stop-tracker")
        self.assert_nothing_left()

    def test_a_release_that_is_served_already_is_not_disturbed(self):
        source = self.make_tree()
        self.fleet("distribute-files")
        self.fleet("start-tracker")
        shutil.copytree(source, self.home("h1", "files"), symlinks=True)
        self.fleet("create-torrent", "tag=v1", "files_path=~/files", "do_not_download_torrent=1")
        self.fleet("start-seeding", "tag=v1")
        for way in ((), ("--coordinate",)):
            refused = self.deploy(source, "--tag", "v1", *way, code=1)
            self.assertRegex(refused.stdout, r"h1 .*served there already")
            self.assertEqual(sorted(each["kind"] for each in self.processes_of("h1")), ["seeder", "tracker"])

    def test_an_interrupt_ends_what_was_started_and_a_second_deploy_does_not_begin_meanwhile(self):
        source = self.make_tree()
        self.home("h3", "slow").touch()
        running = self.start("deploy", source, "--tag", "v1", "--no-coordinate", "--config", self.config)
        wait_until(lambda: self.release("h2").exists(), "the release on h2")
        wait_until(self.sleepers, "the slow command, which begins when the peer of h3 was started")
        refused = self.deploy(source, "--tag", "v1", code=1)
        self.assertIn("another deploy of v1 is at work", refused.stderr)
        running.signal(signal.SIGINT)
        self.assertEqual(running.wait(), 130)
        self.assertRegex(running.output, r"(?m)^h3 +peer +interrupted")
        self.assert_nothing_left()
        self.home("h3", "slow").unlink()

    def test_seeder_and_tracker_are_killed_while_a_host_is_slow(self):
        source = self.make_tree()
        self.home("h3", "slow").touch()
        running = self.start("deploy", source, "--tag", "v1", "--no-coordinate", "--config", self.config)
        wait_until(lambda: self.release("h3").exists(), "the release on h3")
        for process in self.processes_of("h1"):
            if process["kind"] != "peer":
                os.kill(process["pid"], signal.SIGKILL)
                wait_until(lambda pid=process["pid"]: not is_alive(pid), "its end")
        self.home("h3", "slow").unlink()
        sleeper = wait_until(lambda: self.sleepers(), "the slow command")
        for pid in sleeper:
            os.kill(pid, signal.SIGTERM)
        self.assertEqual(running.wait(), 0, running.output + running.error)
        self.assert_release(source, self.HOSTS)
        self.assert_nothing_left(may_stay=[f"tracker-{self.port}.log"])  # of a process that was killed

    def sleepers(self):
        """The `sleep` of reach."""
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
                place = os.readlink(entry / "cwd")
            except OSError:
                continue
            if words[:2] == [b"sleep", b"600"] and place == os.getcwd():
                found.append(int(entry.name))
        return found

    def current(self, host):
        return os.readlink(self.release(host, "current"))

    def test_activate_rollback_and_what_is_kept(self):
        for number in range(1, 5):
            source = self.make_tree(f"source{number}")
            (source / "number").write_text(str(number))
            self.deploy(source, "--tag", f"v{number}", "--activate", "--keep-releases", "2")
            self.assertEqual({self.current(host) for host in self.HOSTS}, {f"v{number}"})
        for host in self.HOSTS:
            kept = sorted(each.name for each in self.home(host, "srv", "my app").iterdir())
            self.assertEqual(kept, [".murder-releases.json", "current", "v3", "v4"])
        self.murder("rollback", "--config", self.config)
        self.assertEqual({self.current(host) for host in self.HOSTS}, {"v3"})
        refused = self.murder("rollback", "--config", self.config, code=1)
        self.assertIn("not every host has a release to go back to", refused.stderr)
        self.murder("rollback", "--config", self.config, "--tag", "v4")
        self.assertEqual({self.current(host) for host in self.HOSTS}, {"v4"})

    def test_hosts_that_would_go_back_to_different_releases_are_told(self):
        for number in (1, 2):
            source = self.make_tree(f"source{number}")
            self.deploy(source, "--tag", f"v{number}", "--activate")
        third = self.make_tree("source3")
        self.deploy(third, "--tag", "v3", "--activate", "--host", "h1")
        refused = self.murder("rollback", "--config", self.config, code=1)
        self.assertRegex(refused.stderr, r"different releases \(v1 on h\[2-3\], v2 on h1\)")
        self.assertEqual([self.current(host) for host in self.HOSTS], ["v3", "v2", "v2"])

    def test_nothing_is_activated_below_the_quorum(self):
        source = self.make_tree()
        self.release("h3").mkdir(parents=True)
        (self.release("h3") / "old").touch()
        failed = self.deploy(source, "--tag", "v1", "--activate", code=3)
        self.assertIn("not activated: 2 of 3 hosts have it, 3 are needed", failed.stdout)
        self.assertFalse(self.release("h1", "current").exists())
        (self.release("h3") / "old").unlink()
        self.deploy(source, "--tag", "v1", "--activate", "--retry-failed")
        self.assertEqual({self.current(host) for host in self.HOSTS}, {"v1"})

    def test_what_is_no_place_for_a_release_is_said_of_each_host(self):
        source = self.make_tree()
        self.home("h1", "srv").touch()
        failed = self.deploy(source, "--tag", "v1", code=3)
        self.assertRegex(failed.stdout, r"(?m)^h1 +peer .*not a directory")
        self.assert_nothing_left()

    def test_a_file_goes_to_its_tag_as_well_and_can_be_made_current(self):
        source = self.path("program")
        for number in range(1, 5):
            source.unlink(missing_ok=True)  # the archive of a file may be the file itself
            source.write_bytes(os.urandom(300_000))
            source.chmod(0o755)
            # No host has the directory yet when the first comes.
            words = ["--activate", "--keep-releases", "2"] if number > 1 else []
            self.deploy(source, "--tag", f"v{number}.bin", *words)
            for host in self.HOSTS:
                self.assertEqual(self.release(host, f"v{number}.bin").read_bytes(), source.read_bytes())
        for host in self.HOSTS:
            self.assertEqual(self.release(host, "current").read_bytes(), source.read_bytes())
            self.assertTrue(os.access(self.release(host, "current"), os.X_OK))
            kept = sorted(each.name for each in self.home(host, "srv", "my app").iterdir())
            # The first was not recorded.
            self.assertEqual(kept, [".murder-releases.json", "current", "v1.bin", "v3.bin", "v4.bin"])
        self.murder("rollback", "--config", self.config)
        self.assertEqual({self.current(host) for host in self.HOSTS}, {"v3.bin"})
        self.assert_nothing_left()

    def test_a_release_that_is_there_is_done_and_another_one_of_that_tag_is_refused(self):
        source = self.make_tree()
        self.deploy(source, "--tag", "v1")
        shutil.rmtree(self.release("h2"))
        before = self.release("h1").stat().st_ino
        again = self.deploy(source, "--tag", "v1")
        self.assertRegex(again.stdout, r"(?m)^h\[1,3\] +2 +already there")
        self.assertRegex(again.stdout, r"(?m)^h2 +1 +got it")
        self.assertIn("3 of 3 hosts got v1", again.stdout)
        self.assertIn("2 of them had it already", again.stdout)
        self.assertEqual(self.release("h1").stat().st_ino, before)
        self.assert_release(source, self.HOSTS)
        self.assert_nothing_left()
        told = json.loads(self.deploy(source, "--tag", "v1", "--activate", "--json").stdout)
        self.assertEqual(told["already_there"], list(self.HOSTS))
        self.assertEqual({self.current(host) for host in self.HOSTS}, {"v1"})

        (source / "new").touch()
        other = self.deploy(source, "--tag", "v1", code=1)
        self.assertRegex(other.stdout, r"(?m)^h1 +peer +.*/v1 holds another release with the tag v1 \(info hash")
        self.assertRegex(other.stdout, r"on 3 of them something else is at .*/v1 already.*--unsafe-please-delete")
        self.assertNotIn("--retry-failed goes on", other.stdout)
        self.home("h2", "down").touch()
        mixed = self.deploy(source, "--tag", "v1", code=1)
        self.assertRegex(mixed.stdout, r"on 2 of them something else is at .*/v1 already")
        self.assertIn("--retry-failed continues with the 1 that", mixed.stdout)
        self.home("h2", "down").unlink()
        self.deploy(source, "--tag", "v1", "--retry-failed", "--unsafe-please-delete")
        self.assert_release(source, self.HOSTS)

    def test_a_peer_that_an_earlier_attempt_left_at_work_is_ended(self):
        source = self.make_tree()
        self.fleet("distribute-files")
        self.fleet("start-tracker")
        shutil.copytree(source, self.home("h1", "files"), symlinks=True)
        self.fleet("create-torrent", "tag=v1", "files_path=~/files")  # and nobody serves it
        torrent = (self.home("h1", "my temp", "v1.tar.zst.torrent")).read_bytes()
        program = self.home("h3", "my murder", "murder")
        subprocess.run(
            [program, "peer", "-", "--to", self.release("h3").parent, "--temp-path", self.home("h3", "my temp"),
             "--background"], input=torrent, check=True, capture_output=True,
            env=dict(self.environment, MURDER_RUN_DIR=str(self.home("h3", "run dir"))))
        self.assertEqual([each["phase"] for each in self.processes_of("h3")], ["downloading"])
        self.deploy(source, "--tag", "v1")
        self.assert_release(source, self.HOSTS)
        self.fleet("stop-tracker")
        self.fleet("clean-temp-files", "tag=v1")
        self.assert_nothing_left()


if __name__ == "__main__":
    unittest.main()
