"""`murder deploy` that is run again: what is done stays done, what an earlier attempt left is used or removed, and two
deploys do not mix."""

import json
import os
import pathlib
import re
import shlex
import signal
import unittest

from deploy_case import SLOW_BYTES, SMALL_BYTES, DeployCase
from rack_case import wait_until
from rack_of_hosts.rack import CONTROL


class DeployAgain(DeployCase):
    HOST_COUNT = 4

    def end_in_the_middle(self, source, number, *words):
        """A deploy that gets a signal while a host fetches."""
        self.slow_down(self.hosts[1:])
        deploy = self.start_murder("deploy", source, "--tag", "v1", *words)
        wait_until(lambda: self.process("h04", "murder peer"), "a peer on h04")
        self.send_to_deploy(number)
        result = self.finish(deploy, None)
        self.speed_up(self.hosts[1:])
        self.age_what_was_packed()
        return result

    def inode(self, host):
        return (self.rack.files_of(host) / "srv" / "app" / "v1").stat().st_ino

    def test_a_release_that_is_there_is_done(self):
        source = self.make_release("build", SMALL_BYTES)
        self.murder("deploy", source, "--tag", "v1")
        before = {host: self.inode(host) for host in self.hosts}
        again = self.murder("deploy", source, "--tag", "v1")
        self.assertRegex(again.stdout, r"(?m)^h\[01-04\] +4 +already there")
        self.assertEqual({host: self.inode(host) for host in self.hosts}, before)
        told = self.murder_json("deploy", source, "--tag", "v1", "--activate")
        self.assertEqual(told["already_there"], self.hosts)
        self.assertEqual(told["states"], {host: "active" for host in self.hosts})
        self.assert_nothing_left()

    def test_the_same_tag_with_other_content_is_refused_and_can_be_replaced(self):
        first = self.make_release("first", SMALL_BYTES)
        second = self.make_release("second", SMALL_BYTES, seed=2)
        self.murder("deploy", first, "--tag", "v1")
        refused = self.murder("deploy", second, "--tag", "v1", code=1)
        self.assertRegex(refused.stdout, r"h02 .*holds another release with the tag v1")
        self.assert_release(first, "/srv/app/v1")
        self.murder("deploy", second, "--tag", "v1", "--unsafe-please-delete")
        self.assert_release(second, "/srv/app/v1")
        self.assert_nothing_left()

    def test_after_an_interrupt_the_same_command_succeeds(self):
        source = self.make_release("build", SLOW_BYTES)
        self.end_in_the_middle(source, signal.SIGINT)
        self.assert_nothing_left()
        self.murder("deploy", source, "--tag", "v1")
        self.assert_release(source, "/srv/app/v1")
        self.assert_nothing_left()

    def test_a_terminal_that_is_closed_leaves_nothing_and_the_same_command_succeeds(self):
        source = self.make_release("build", SLOW_BYTES)
        self.end_in_the_middle(source, signal.SIGHUP)
        self.assert_nothing_left()
        self.murder("deploy", source, "--tag", "v1")
        self.assert_release(source, "/srv/app/v1")

    def test_after_a_kill_the_same_command_succeeds_and_ends_what_the_other_had_started(self):
        source = self.make_release("build", SLOW_BYTES)
        self.end_in_the_middle(source, signal.SIGKILL, "--no-coordinate")
        self.assertTrue(self.process("h01", "murder tracker"))
        self.assertTrue(self.process("h01", "murder seed"))
        again = self.murder("deploy", source, "--tag", "v1")
        self.assertIn("which is gone", again.stderr)
        self.assertIn("serves it already, since an earlier attempt", again.stderr)
        self.assert_release(source, "/srv/app/v1")
        self.assert_nothing_left()

    def test_a_seeder_of_other_content_that_a_killed_deploy_left_is_ended(self):
        source = self.make_release("build", SLOW_BYTES)
        self.end_in_the_middle(source, signal.SIGKILL, "--no-coordinate")
        (source / "changed").write_text("since")
        self.murder("deploy", source, "--tag", "v1", "--unsafe-please-delete")
        self.assert_release(source, "/srv/app/v1")
        self.assert_nothing_left()

    def test_the_same_app_from_two_machines(self):
        source = self.make_release("build", SLOW_BYTES)
        self.slow_down(self.hosts[1:])
        first = self.start_murder("deploy", source, "--tag", "v1")
        wait_until(lambda: self.process("h04", "murder peer"), "a peer on h04")
        # The lock of this machine is not that of another one.
        self.environment["XDG_STATE_HOME"] = str(self.directory / "state of another machine")
        other = self.make_release("other", SMALL_BYTES, seed=2)
        for tag in ("v1", "v2"):
            refused = self.murder("deploy", other, "--tag", tag, code=1)
            self.assertRegex(refused.stdout, r"another deploy is at work: deploy of v1 to /srv/app by root@\S+ since \S+Z")
        self.assertIsNotNone(self.process("h04", "murder peer"))
        command = re.search(r"take its place: `([^`]+)`", refused.stdout)[1]
        self.assertIn("--take-over", command)
        taken = self.on(CONTROL, *shlex.split(command))
        self.assertIn("taking the place of the deploy of v1 to /srv/app by root@", taken.stderr)
        self.assert_release(other, "/srv/app/v2")
        self.finish(first, None)

    @staticmethod
    def program_of(process):
        """The process id of what start_murder() started: `process` passes its output and exit status on."""
        return int(pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(encoding="utf-8"))

    def deploy_of_peer(self, host):
        """The token of the deploy that the peer of v1 there is of."""
        outcome = self.rack.files_of(host) / "run" / "murder" / "peer-v1.outcome"
        return json.loads(outcome.read_text()).get("deploy") if outcome.exists() else None

    def test_the_end_of_a_deploy_that_was_taken_over_leaves_what_the_other_one_does(self):
        source = self.make_release("build", SLOW_BYTES)
        self.slow_down(self.hosts[1:])
        first = self.start_murder("deploy", source, "--tag", "v1", "--activate", "--no-coordinate")
        before = wait_until(lambda: self.deploy_of_peer("h04"), "a peer on h04")
        program = self.program_of(first)
        os.kill(program, signal.SIGSTOP)  # so that it does not hear of the other one
        self.environment["XDG_STATE_HOME"] = str(self.directory / "state of another machine")
        second = self.start_murder("deploy", source, "--tag", "v1", "--take-over", "--activate", "--no-coordinate")
        wait_until(lambda: all(self.deploy_of_peer(host) not in (None, before) for host in self.hosts),
                   "peers of the other deploy")
        os.kill(program, signal.SIGTERM)
        os.kill(program, signal.SIGCONT)
        self.assertEqual(self.finish(first, None).returncode, 130)
        self.assertTrue(self.process("h01", r"^\S*/murder seed"))
        self.assertTrue(all(self.peers(host) for host in self.hosts[1:]))
        self.speed_up(self.hosts)
        self.finish(second)
        self.assert_release(source, "/srv/app/v1")
        self.assertEqual({self.current(host) for host in self.hosts}, {"v1"})
        self.assert_nothing_left()

    def test_a_deploy_that_was_taken_over_makes_nothing_current(self):
        source = self.make_release("build", SLOW_BYTES)
        other = self.make_release("other", SMALL_BYTES, seed=2)
        self.slow_down(["h04"])
        first = self.start_murder("deploy", source, "--tag", "v1", "--activate")
        wait_until(lambda: self.peers("h04"), "a peer on h04")
        self.environment["XDG_STATE_HOME"] = str(self.directory / "state of another machine")
        second = self.start_murder("deploy", other, "--tag", "v2", "--take-over", "--activate")
        self.finish(second)
        self.speed_up(["h04"])
        ended = self.finish(first, None)
        self.assertIn(ended.returncode, (1, 3))  # 3: it heard of it when some hosts had its release
        self.assertIn("took over with a deploy of v2", ended.stdout + ended.stderr)
        self.assertEqual({self.current(host) for host in self.hosts}, {"v2"})
        self.assert_nothing_left()

    def test_a_tracker_that_another_deploy_needs_is_left_to_it(self):
        source = self.make_release("build", SLOW_BYTES)
        self.slow_down(self.hosts[1:])
        first = self.start_murder("deploy", source, "--tag", "v1", "--host", "h[03-04]", "--tracker", "h02",
                                  "--seeder", "h02", "--to", "/srv/one")
        wait_until(lambda: self.process("h02", "murder tracker"), "a tracker on h02")
        second = self.start_murder("deploy", source, "--tag", "v2", "--host", "h[03-04]", "--tracker", "h02",
                                   "--seeder", "h02", "--to", "/srv/two")
        self.finish(first)
        self.finish(second)
        self.assert_release(source, "/srv/one/v1", ["h03", "h04"])
        self.assert_release(source, "/srv/two/v2", ["h03", "h04"])
        self.assert_nothing_left()

    def test_the_command_for_a_seeder_of_somebody_else_works(self):
        source = self.make_release("build", SMALL_BYTES)
        self.copy_to("h01", source, "/srv/files")
        for words in (["distribute-files"], ["start-tracker"], ["create-torrent", "tag=v1", "files_path=/srv/files"],
                      ["start-seeding", "tag=v1"]):
            self.murder("fleet", *words)
        refused = self.murder("deploy", source, "--tag", "v1", code=1)
        command = re.search(r"served there already, and not by a deploy: `([^`]+)`", refused.stdout)[1]
        self.on(CONTROL, *shlex.split(command))
        self.murder("deploy", source, "--tag", "v1")
        self.assert_release(source, "/srv/app/v1")
        self.murder("fleet", "stop-tracker")


class HostsThatDoNotAnswer(DeployCase):
    HOST_COUNT = 5

    def test_the_roles_go_to_the_first_host_that_answers(self):
        source = self.make_release("build", SMALL_BYTES)
        self.take_down("h01")
        result = self.murder("deploy", source, "--tag", "v1", "--retries", "0", "--connect-timeout", "5s", code=3)
        self.assertIn("h02 is tracker and seeder in place of h01", result.stderr)
        self.assert_release(source, "/srv/app/v1", self.hosts[1:])

    def test_a_dead_host_and_one_that_stalls_do_not_hold_up_the_quorum(self):
        source = self.make_release("build", SLOW_BYTES)
        self.murder("fleet", "distribute-files")
        self.take_down("h04")
        stopped = []

        def stall():
            # ssh answers, and the download does not move.
            pid = self.process("h05", "murder peer .*--background")
            worker = [each for each, words in self.processes("h05").items() if "murder peer" in words]
            stopped.extend(worker)
            for each in worker:
                os.kill(each, signal.SIGSTOP)
            return pid

        self.slow_down(["h05"])
        deploy = self.start_murder("deploy", source, "--tag", "v1", "--activate", "--quorum", "60%")
        wait_until(stall, "a peer on h05")
        result = self.finish(deploy, 3)
        for pid in stopped:
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                pass
        self.assertRegex(result.stdout, r"(?m)^h04 +connect +not reached within 20 s")
        self.assertRegex(result.stdout, r"(?m)^h05 +peer +stalled: no progress for \d+ s")
        for host in ("h01", "h02", "h03"):
            self.assertEqual(self.current(host), "v1")

    def test_each_host_is_in_one_state_and_stages_have_times(self):
        source = self.make_release("build", SMALL_BYTES)
        self.put_in_the_way("h03")
        told = self.murder_json("deploy", source, "--tag", "v1", code=3)
        self.assertEqual(told["states"], {host: "failed" if host == "h03" else "ready" for host in self.hosts})
        stages = {each["stage"]: each for each in told["stages"]}
        for stage in ("connect", "packing", "peer", "clean-up"):
            self.assertGreater(stages[stage]["seconds"], 0, stage)
        self.assertLess(stages["connect"]["start_s"], stages["packing"]["start_s"] + stages["packing"]["seconds"],
                        "hosts are connected while the release is packed")


if __name__ == "__main__":
    unittest.main()
