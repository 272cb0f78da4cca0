"""The fleet commands with hosts that are directories of this machine, reached through a launcher of our own: each
has its own home, run directory and address, and a shell that knows nothing but POSIX."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import unittest

from harness import PROGRAM, MurderCase, free_address, free_port, is_alive, wait_until

# What ssh would be: a home of its own, and trouble where a file says so.
REACH = """#!/bin/sh
host=$1 command=$2
home="{base}/$host"
if [ -e "$home/down" ]; then echo "ssh: connect to host $host port 22: No route to host" >&2; exit 255; fi
echo "$command" >>"$home/commands"
run() {{
    cd "$home" || exit 255
    exec env -i PATH="$PATH" HOME="$home" MURDER_RUN_DIR="$home/run dir" {shell} -c "$command"
}}
if [ -e "$home/slow" ]; then case $command in *--follow*) (run); sleep 600; exit;; esac; fi
run
"""


class FleetCase(MurderCase):
    HOSTS = ("h1", "h2", "h3")

    def setUp(self):
        super().setUp()
        self.base = self.path("hosts of the fleet")
        reach = self.path("reach")
        shell = "dash" if shutil.which("dash") else "sh"
        reach.write_text(REACH.format(base=self.base, shell=shell))
        reach.chmod(0o755)
        self.environment["XDG_STATE_HOME"] = str(self.path("state"))
        self.environment["HOME"] = str(self.path("home"))  # the same paths are meant on hosts and here
        self.environment["TMPDIR"] = str(self.temp_path)
        self.port = free_port("0.0.0.0")
        lines = [
            "[murder]", 'remote_murder_path = "~/my murder"', 'default_destination_path = "~/srv/my app"',
            'default_temp_path = "~/my temp"', f"tracker_port = {self.port}",
            "[fleet]", f"launcher = \"exec:{reach} {{host}} {{command}}\"", "retries = 0",
            "[roles]", "peer = ["]
        for host in self.HOSTS:
            (self.base / host).mkdir(parents=True)
            lines.append(f'  {{ host = "{host}", ip = "{free_address()}" }},')
        self.config = self.path("fleet.toml")
        self.config.write_text("\n".join([*lines, "]"]) + "\n")
        self.addCleanup(self.end_what_runs)

    def end_what_runs(self):
        for host in self.HOSTS:
            if (self.base / host / "run dir").is_dir():
                subprocess.run([PROGRAM, "stop", "--all"], capture_output=True, check=False,
                               env=dict(self.environment, MURDER_RUN_DIR=str(self.base / host / "run dir")))

    def fleet(self, *words, code=0):
        return self.murder("fleet", *words, "--config", self.config, code=code)

    def deploy(self, source, *words, code=0):
        return self.murder("deploy", source, *words, "--config", self.config, code=code)

    def home(self, host, *parts):
        return self.base.joinpath(host, *parts)

    def release(self, host, tag="v1"):
        return self.home(host, "srv", "my app", tag)

    def assert_release(self, source, hosts, tag="v1"):
        for host in hosts:
            self.assert_same_tree(source, self.release(host, tag))

    def assert_same_tree(self, one, other):
        result = subprocess.run(
            ["diff", "-r", "--no-dereference", "-x", ".git", str(one), str(other)],
            capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def processes_of(self, host):
        if not self.home(host, "run dir").is_dir():
            return []
        shown = subprocess.run([PROGRAM, "status", "--json"], capture_output=True, check=True,
                               env=dict(self.environment, MURDER_RUN_DIR=str(self.home(host, "run dir"))))
        return json.loads(shown.stdout)["processes"]

    def assert_nothing_left(self, hosts=None, may_stay=()):
        for host in hosts or self.HOSTS:
            self.assertEqual(self.processes_of(host), [], host)
            for place in ("run dir", "my temp"):
                path = self.home(host, place)
                left = [each.name for each in path.iterdir() if each.name not in may_stay] if path.is_dir() else []
                self.assertEqual(left, [], f"{host}: {place}")
        # Ours as well: sockets, packed archives.
        self.assertEqual([each.name for each in self.temp_path.iterdir()], [])


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
        self.assertIn("murder fleet: which task?", self.murder("fleet", code=2).stderr)
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
        for host in self.HOSTS:
            self.assertFalse(self.home(host, "commands").exists())

    def test_a_tag_is_asked_for_before_any_host_is_reached(self):
        for words in (["peer"], ["start-seeding"], ["create-torrent", "tag=a/b"], ["clean-temp-files", "tag=.."]):
            self.assertIn("tag", self.fleet(*words, code=2).stderr)
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
        running = self.start("deploy", self.make_tree(), "--tag", "v2", "--config", self.config, *self.other)
        wait_until(lambda: self.release("h2", "v2").exists(), "the release on h2")
        self.serve("v1", *self.other)
        running.signal(signal.SIGINT)
        self.assertEqual(running.wait(), 130)
        self.assertIn("the tracker on h1 is left running: v1 is distributed through it", running.error)
        self.assertEqual(len(self.tracker_pids()), 2)
        self.home("h3", "slow").unlink()


class Deploy(FleetCase):
    def test_one_command_brings_it_everywhere_and_leaves_nothing(self):
        source = self.make_tree()
        result = self.deploy(source, "--tag", "v1", "--json")
        told = json.loads(result.stdout)
        self.assertEqual(told["done"], list(self.HOSTS))
        self.assertEqual(told["failed"], [])
        self.assert_release(source, self.HOSTS)
        self.assert_nothing_left()

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
        self.deploy(source, "--tag", "v1", "--retry-failed")
        self.assert_release(source, self.HOSTS)
        self.assertFalse(self.home("h3", "commands").exists())
        self.assertIn("failed nowhere", self.deploy(source, "--tag", "v1", "--retry-failed").stdout)
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
        refused = self.deploy(source, "--tag", "v1", code=1)
        self.assertRegex(refused.stdout, r"h1 .*served there already")
        self.assertEqual(sorted(each["kind"] for each in self.processes_of("h1")), ["seeder", "tracker"])

    def test_an_interrupt_ends_what_was_started_and_a_second_deploy_does_not_begin_meanwhile(self):
        source = self.make_tree()
        self.home("h3", "slow").touch()
        running = self.start("deploy", source, "--tag", "v1", "--config", self.config)
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
        running = self.start("deploy", source, "--tag", "v1", "--config", self.config)
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
        self.assertIn("--retry-failed goes on with the 1 that", mixed.stdout)
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
