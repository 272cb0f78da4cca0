"""`murder coordinate`, which a deploy runs on the host of its coordinator: what one that was killed has left is found again by
the next one of the same deploy, and by nobody else."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import unittest

from harness import COMMAND_SECONDS_MAX, PROGRAM, MurderCase, free_port, is_alive, wait_until


class Coordinate(MurderCase):
    def setUp(self):
        super().setUp()
        self.port = free_port()

    def start_coordinate(self, *words):
        """The process, whose standard input is a pipe, and what it told of its lock."""
        process = subprocess.Popen(
            [PROGRAM, "coordinate", "v1", "--app", "/srv/app", "--token", "ab1", "--owner", "ann@laptop", "--port", str(self.port),
             "--temp-path", str(self.temp_path), "--json", *words],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=self.environment)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait, COMMAND_SECONDS_MAX)
        self.addCleanup(process.kill)
        self.addCleanup(self.close_input, process)
        lock = json.loads(process.stdout.readline())
        self.addCleanup(self.end_tracker_at, lock["coordinator_port"])
        return process, lock

    @staticmethod
    def close_input(process):
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()

    def trackers(self):
        """Their pids, by the port that each listens on."""
        found = {}
        for each in self.murder_json("status")["processes"]:
            if each["kind"] == "tracker":
                found[int(each["address"].rsplit(":", 1)[1])] = each["pid"]
        return found

    def end_tracker_at(self, port):
        pid = self.trackers().get(port)
        if pid:
            os.kill(pid, signal.SIGKILL)

    def kill(self, process):
        process.kill()
        process.wait(COMMAND_SECONDS_MAX)

    def left(self):
        return sorted(path.name for path in pathlib.Path(self.run_directory).glob("*") if path.name.startswith(("coordinate", "deploys")))

    def test_one_that_was_lost_before_there_was_a_rollout_leaves_nothing(self):
        first, lock = self.start_coordinate()
        self.assertFalse(lock["resumed"])
        self.assertTrue(self.left())
        self.kill(first)
        second, lock = self.start_coordinate()
        self.assertTrue(lock["resumed"])
        # The deploy ends while it still packs: nothing was begun that could go on.
        second.stdin.close()
        second.wait(COMMAND_SECONDS_MAX)
        self.assertEqual((self.left(), self.trackers()), ([], {}))

    def test_another_tracker_at_the_port_of_one_that_was_lost_is_not_taken_for_it(self):
        first, lock = self.start_coordinate()
        self.assertEqual(lock["coordinator_port"], self.port)
        self.kill(first)
        self.end_tracker_at(self.port)
        other = json.loads(self.murder("tracker", "--listen", f"[::]:{self.port}", "--background", "--json").stdout)
        second, lock = self.start_coordinate()
        self.assertFalse(lock["resumed"])
        self.assertNotEqual(lock["coordinator_port"], self.port)
        second.stdin.close()
        second.wait(COMMAND_SECONDS_MAX)
        self.assertEqual((self.left(), self.trackers()), ([], {self.port: other["pid"]}))

    def test_with_its_lock_another_tracker_at_its_port_does_not_end(self):
        first, _ = self.start_coordinate()
        self.kill(first)
        self.end_tracker_at(self.port)
        other = json.loads(self.murder("tracker", "--listen", f"[::]:{self.port}", "--background", "--json").stdout)
        self.murder("unlock", "--token", "ab1", "--port", self.port)
        self.assertEqual((self.left(), self.trackers()), ([], {self.port: other["pid"]}))

    def test_with_its_lock_ends_what_it_had_started_at_another_port(self):
        other = json.loads(self.murder("tracker", "--listen", f"[::]:{self.port}", "--background", "--json").stdout)
        self.addCleanup(self.end_tracker_at, self.port)
        first, lock = self.start_coordinate()
        self.assertNotEqual(lock["coordinator_port"], self.port)
        own = self.trackers()[lock["coordinator_port"]]
        # While it is at work, nothing of it is ended.
        self.murder("unlock", "--token", "ab1", "--port", self.port)
        self.assertTrue(is_alive(own))
        self.kill(first)
        self.murder("unlock", "--token", "ab1", "--port", self.port)
        wait_until(lambda: not is_alive(own), "its tracker has ended")
        self.assertEqual((self.left(), self.trackers()), ([], {self.port: other["pid"]}))


if __name__ == "__main__":
    unittest.main()
