"""`rollout start` and `status --watch` against a scripted coordinator: following a rollout, and a terminal that is asked or gone."""

import json
import os
import pty
import select
import signal
import subprocess
import unittest

from control_command_case import ControlCommand, START, STATUS
from scripted_coordinator import rollout
from harness import PROGRAM, wait_until


class Follows(ControlCommand):
    def start_and_wait(self, states, *arguments, **options):
        """`rollout start --wait` at a coordinator whose rollout goes through these answers."""
        left = list(states)
        self.fake.answers[START] = rollout()
        self.fake.answers[STATUS] = lambda asked: {"rollouts": [left.pop(0) if len(left) > 1 else left[0]]}
        return self.ask("rollout", "start", "shop", "v42", "--wait", *arguments, **options)

    def test_the_exit_status_says_how_it_ended(self):
        for state, code in (("done", 0), ("held", 3), ("aborted", 4), ("undone", 5)):
            with self.subTest(state):
                done = self.start_and_wait([rollout(), rollout(state=state)], code=code)
                self.assertIn(f"shop v42: {state}", done.stdout)

    def test_undo_is_offered_for_what_was_told(self):
        for told, is_offered in ((1, True), (0, False)):
            self.fake.answers["GET", "/control/history"] = {"rollouts": [{"number": 17, "told": told}]}
            held = self.start_and_wait([rollout(state="held")], code=3)
            self.assertIn("rollout resume shop", held.stderr)
            self.assertEqual("`undo`" in held.stderr, is_offered)

    def test_where_no_rollout_was_none_goes_on(self):
        self.fake.answers[STATUS] = {"rollouts": []}
        refused = self.ask("rollout", "status", "shop", "--watch", code=1).stderr
        self.assertIn("there was no rollout of shop yet", refused)
        self.assertNotIn("goes on", refused)

    def test_with_json_there_is_one_object_at_the_end(self):
        done = self.start_and_wait([rollout(), rollout(state="done")], "--json")
        self.assertEqual(json.loads(done.stdout)["state"], "done")

    def test_another_rollout_of_the_app_is_not_taken_for_this_one(self):
        self.start_and_wait([rollout(), rollout(number=18, state="done")], code=6)

    def test_a_coordinator_that_restarts_is_waited_for(self):
        done = self.start_and_wait([rollout(), (0, "")][:1] + [rollout(state="done")])
        self.assertEqual(done.returncode, 0)
        answers = iter([(503, {"error": "starting"}), {"rollouts": [rollout(state="done")]}])
        self.fake.answers[STATUS] = lambda asked: next(answers)
        self.ask("rollout", "start", "shop", "v42", "--wait")

    def test_a_watch_prints_a_line_of_json_for_each_change(self):
        left = [rollout(), rollout(), rollout(state="paused"), rollout(state="done")]
        self.fake.answers[STATUS] = lambda asked: {"rollouts": [left.pop(0) if len(left) > 1 else left[0]]}
        lines = self.ask("rollout", "status", "shop", "--watch", "--json").stdout.splitlines()
        self.assertEqual([json.loads(line)["state"] for line in lines], ["running", "paused", "done"])

    def test_signals_leave_it_running(self):
        self.fake.answers[START] = rollout()
        self.fake.answers[STATUS] = {"rollouts": [rollout()]}
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(number):
                running = self.start("rollout", "start", "shop", "v42", "--wait", "--coordinator", self.fake.place)
                asked = len(self.fake.asked)
                wait_until(lambda: len(self.fake.asked) > asked + 2, "it follows")
                running.signal(number)
                self.assertEqual(running.wait(), 128 + number)
                self.assertIn("it goes on", running.error)
        self.assertEqual(self.fake.orders(), [START] * 3)

    def test_no_output_ends_it(self):
        self.fake.answers[START] = rollout()
        left = [rollout()] * 6 + [rollout(state="done")]
        self.fake.answers[STATUS] = lambda asked: {"rollouts": [left.pop(0) if len(left) > 1 else left[0]]}
        with open("/dev/full", "w", encoding="utf-8") as full:
            ended = subprocess.run(
                [PROGRAM, "rollout", "start", "shop", "v42", "--wait", "--coordinator", self.fake.place],
                stdout=full, stderr=full, stdin=subprocess.DEVNULL, env=self.environment, timeout=60, check=False)
        self.assertEqual(ended.returncode, 0)


class Terminal(ControlCommand):
    """`rollout start` on a terminal: it follows, and ^C asks."""

    def setUp(self):
        super().setUp()
        self.environment["TERM"] = "xterm"
        self.state = "running"
        self.fake.answers[START] = rollout()
        self.fake.answers[STATUS] = lambda asked: {"rollouts": [rollout(state=self.state)]}
        for verb, after in (("pause", "paused"), ("abort", "aborted"), ("undo", "undone")):
            self.fake.answers["POST", f"/control/rollout/{verb}"] = lambda asked, after=after: self.become(after)
        self.shown = b""

    def become(self, state):
        self.state = state
        return rollout(state=state)

    def open_terminal(self, *arguments):
        self.shown = b""
        pid, self.terminal = pty.fork()
        if pid == 0:
            os.execve(PROGRAM, [PROGRAM, "rollout", "start", "shop", "v42", "--coordinator", self.fake.place, *arguments],
                      self.environment)
        self.addCleanup(self.end, pid)
        self.pid = pid
        return pid

    def end(self, pid):
        if self.pid == pid:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        self.close_terminal()

    def close_terminal(self):
        if self.terminal is not None:
            os.close(self.terminal)
            self.terminal = None

    def see(self, text):
        def is_there():
            if select.select([self.terminal], [], [], 0)[0]:
                try:
                    self.shown += os.read(self.terminal, 65536)
                except OSError:
                    pass
            return text in self.shown

        wait_until(is_there, f"{text} is shown; shown was {self.shown[-500:]}")

    def type(self, text):
        self.shown = b""
        os.write(self.terminal, text)

    def exit_code(self):
        def ended():
            if select.select([self.terminal], [], [], 0)[0]:
                try:
                    self.shown += os.read(self.terminal, 65536)
                except OSError:
                    pass
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            return (status,) if pid else None

        status, = wait_until(ended, "it ends")
        self.pid = None
        return os.waitstatus_to_exitcode(status)

    def test_it_follows_and_says_how_it_ended(self):
        self.open_terminal()
        self.see(b"3 hosts: 2 healthy, 1 ready")
        self.state = "done"
        self.assertEqual(self.exit_code(), 0)

    def test_detached_it_does_not(self):
        self.open_terminal("--detach")
        self.assertEqual(self.exit_code(), 0)
        self.assertEqual(len(self.fake.asked), 1)

    def test_what_is_answered_is_done(self):
        for typed, order, code in ((b"l\n", None, 6), (b"pause\n", "pause", 6), (b"a\n", "abort", 4), (b"u\n", "undo", 5)):
            with self.subTest(typed):
                self.state = "running"
                self.fake.asked.clear()
                self.open_terminal()
                self.see(b"2 healthy")
                self.type(b"\x03")
                self.see(b"(l)eave it running")
                self.type(typed)
                self.assertEqual(self.exit_code(), code)
                self.assertEqual([path for _, path in self.fake.orders()][1:],
                                 [f"/control/rollout/{order}"] if order else [])
                self.close_terminal()

    def test_watching_goes_on_and_a_second_interrupt_leaves(self):
        self.open_terminal()
        self.see(b"2 healthy")
        self.type(b"\x03")
        self.see(b"(l)eave it running")
        self.type(b"nonsense\n")
        self.see(b"(l)eave it running")
        self.type(b"w\n")
        self.see(b"2 healthy")
        self.type(b"\x03")
        self.see(b"(l)eave it running")
        self.type(b"\x03")
        self.assertEqual(self.exit_code(), 6)
        self.assertEqual(self.fake.orders(), [START])

    def test_a_terminal_that_is_closed_leaves_it_running(self):
        self.open_terminal()
        self.see(b"2 healthy")
        self.close_terminal()
        _, status = os.waitpid(self.pid, 0)
        self.pid = None
        self.assertEqual(os.waitstatus_to_exitcode(status), 128 + signal.SIGHUP)
        self.assertEqual(self.fake.orders(), [START])


if __name__ == "__main__":
    unittest.main()
