"""The frame of the program: help, exit codes, status, stop, doctor, tracker in the background."""

import json
import os
import re
import signal
import socket
import subprocess
import unittest
import urllib.request

from harness import PROGRAM, MurderCase, free_address, free_port, is_alive, wait_until

COMMANDS = ["tracker", "create", "seed", "peer", "info", "verify", "status", "stop", "simulate", "doctor", "tune"]


class Help(MurderCase):
    def test_help_lists_every_command(self):
        text = self.murder("--help").stdout
        for command in COMMANDS:
            with self.subTest(command=command):
                self.assertRegex(text, rf"(?m)^  {command} ")

    def test_each_command_has_help_with_an_example(self):
        for command in COMMANDS:
            with self.subTest(command=command):
                text = self.murder(command, "--help").stdout
                self.assertRegex(text, rf"(?m)^Example:\n  .*murder {command}\b")
                for option in ("--json", "--quiet", "--run-dir"):
                    self.assertIn(option, text)

    def test_version(self):
        self.assertRegex(self.murder("--version").stdout, r"^murder \d+\.\d+\.\d+$")


class WrongUsage(MurderCase):
    def test_unknown_command_gets_a_suggestion(self):
        result = self.murder("trakcer", code=2)
        self.assertIn("did you mean 'tracker'?", result.stderr)
        self.assertEqual(result.stdout, "")

    def test_an_unknown_word_is_wrong_also_when_help_is_asked_for(self):
        for words, text in ((("manual",), "there is no command 'manual'"), (("rollout", "sart"), "did you mean 'start'?"),
                            (("fleet", "nosuch"), "there is no task 'nosuch'"), (("doctor", "more"), "'more'")):
            for arguments in ((*words, "--help"), ("--help", *words) if len(words) == 1 else (*words, "-h")):
                result = self.murder(*arguments, code=2)
                self.assertIn(text, result.stderr)
                self.assertEqual(result.stdout, "")

    def test_no_command(self):
        self.assertIn("missing command", self.murder(code=2).stderr)

    def test_unknown_option(self):
        result = self.murder("status", "--frobnicate", code=2)
        self.assertIn("--frobnicate", result.stderr)
        self.assertIn("murder status", result.stderr)

    def test_a_mistyped_option_gets_a_suggestion(self):
        result = self.murder("peer", "x", "--too", "/tmp", code=2)
        self.assertIn("there is no option '--too': did you mean '--to'?", result.stderr)
        result = self.murder("fleet", "peer", "--tga=v1", code=2)
        self.assertIn("there is no option '--tga': did you mean '--tag'?", result.stderr)
        self.assertIn("unexpected argument 'more'", self.murder("doctor", "more", code=2).stderr)

    def test_with_json_the_error_is_an_object(self):
        result = self.murder("stop", "--json", code=2)
        self.assertEqual(json.loads(result.stdout)["error"]["code"], "invalid_input")

    def test_stop_wants_to_know_what(self):
        self.assertIn("say what to stop", self.murder("stop", code=2).stderr)
        self.murder("stop", "--tracker", "--seeding", code=2)
        self.murder("stop", "v1", "--tracker", code=2)

    def test_listen_wants_an_address(self):
        self.assertIn("--listen", self.murder("tracker", "--listen", "not an address", code=2).stderr)


class NothingRuns(MurderCase):
    def test_status_says_so(self):
        self.assertRegex(self.murder("status").stdout, r"^nothing runs here \(looked in /.*\)\n$")
        self.assertEqual(self.murder_json("status"), {"processes": []})
        self.assertEqual(self.murder("status", "v1").stdout, "nothing of v1 runs here\n")

    def test_stop_is_an_error_that_says_so(self):
        self.assertIn("no process for v1 runs here", self.murder("stop", "v1", code=1).stderr)
        self.assertIn("no seeder of v1 runs here", self.murder("stop", "v1", "--seeding", code=1).stderr)
        self.assertIn("no tracker runs here", self.murder("stop", "--tracker", code=1).stderr)
        self.assertEqual(self.murder_json("stop", "--all", code=1)["error"]["code"], "not_found")

    def test_clean_names_the_place_where_nothing_is(self):
        self.assertEqual(self.murder("clean", "v1", "--temp-path", self.temp_path).stdout,
                         f"nothing of v1 is in {self.temp_path}\n")
        missing = self.path("missing")
        self.assertIn(f"{missing}, which does not exist", self.murder("clean", "v1", "--temp-path", missing).stdout)

    def test_looking_makes_no_run_directory(self):
        self.murder("status")
        self.assertFalse(self.run_directory.exists())

    def test_the_socket_of_a_killed_process_is_removed(self):
        self.run_directory.mkdir()
        path = self.run_directory / "4242.sock"
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(path))
        self.assertEqual(self.murder_json("status"), {"processes": []})
        self.assertFalse(path.exists())

    def test_output_that_cannot_be_written_is_a_failure(self):
        with open("/dev/full", "wb") as full:
            result = subprocess.run([PROGRAM, "status"], stdout=full, stderr=subprocess.PIPE,
                                    env=self.environment, timeout=30, check=False)
        self.assertEqual(result.returncode, 1)


    def test_a_reader_that_went_away_is_no_failure(self):
        reading, writing = os.pipe()
        os.close(reading)
        for words in (["status"], ["status", "--json"], ["doctor", "--temp-path", self.temp_path]):
            expected = self.murder(*words, code=None)
            result = subprocess.run([PROGRAM, *map(str, words)], stdout=writing, stderr=subprocess.PIPE, text=True,
                                    env=self.environment, timeout=30, check=False)
            self.assertEqual((result.returncode, result.stderr), (expected.returncode, expected.stderr), words)
        os.close(writing)

    def test_output_that_is_closed_is_a_failure_and_goes_to_no_other_file(self):
        result = subprocess.run(["sh", "-c", '"$0" status >&-', PROGRAM], stderr=subprocess.PIPE, text=True,
                                env=self.environment, timeout=30, check=False)
        self.assertEqual(result.returncode, 1)
        self.assertIn("the result could not be written: Bad file descriptor", result.stderr)


class Doctor(MurderCase):
    def test_every_check_has_a_grade_and_what_is_not_ok_a_mend(self):
        result = self.murder("doctor", "--json", "--temp-path", str(self.temp_path), code=None)
        report = json.loads(result.stdout)
        names = {check["name"] for check in report["checks"]}
        self.assertLessEqual({"kernel", "io_uring", "open files", "locked memory", "clock", "temp path",
                              "run directory"}, names)
        for check in report["checks"]:
            with self.subTest(check=check["name"]):
                self.assertIn(check["grade"], ("ok", "could be better", "broken"))
                self.assertEqual(check["grade"] == "ok", check["mend"] == "")
        self.assertEqual(result.returncode, 1 if report["broken"] else 0)

    def test_a_missing_temp_path_is_broken(self):
        result = self.murder("doctor", "--temp-path", str(self.path("missing")), code=1)
        self.assertRegex(result.stdout, r"(?m)^broken +temp path")


class Tracker(MurderCase):
    def test_in_the_background_it_listens_when_the_command_returns(self):
        endpoint = self.start_tracker()
        with urllib.request.urlopen(f"http://{endpoint}/metrics", timeout=10) as reply:
            self.assertIn(b"murder_tracker_", reply.read())
        tracker = self.process_of_kind("tracker")
        self.assertEqual(tracker["address"], endpoint)
        self.assertTrue(is_alive(tracker["pid"]))
        self.assertIn(endpoint, self.murder("status").stdout)

    def test_the_background_process_keeps_no_pipe_of_its_caller(self):
        address = free_address()
        endpoint = f"{address}:{free_port(address)}"
        # cat ends only when nobody holds the other end.
        result = subprocess.run(
            ["bash", "-c", f"'{PROGRAM}' tracker --listen {endpoint} --background 2>&1 | cat"],
            env=self.environment, capture_output=True, timeout=60, check=False)
        self.assertEqual(result.returncode, 0)
        self.assertIn(endpoint.encode(), result.stdout)
        self.assertIsNotNone(self.process_of_kind("tracker"))

    def test_stop_waits_until_it_is_gone(self):
        self.start_tracker()
        pid = self.process_of_kind("tracker")["pid"]
        self.assertIn(f"(pid {pid})", self.murder("stop", "--tracker").stdout)
        self.assertFalse(is_alive(pid))
        self.assertEqual(self.processes(), [])
        self.assertEqual(list(self.run_directory.iterdir()), [], "neither a socket nor an empty log")

    def test_stop_with_a_port_stops_the_tracker_that_listens_on_it(self):
        ports = [self.start_tracker().split(":")[1] for _ in range(2)]
        self.assertIn("no tracker on port 1 runs here", self.murder("stop", "--tracker", "--port", "1", code=1).stderr)
        self.murder("stop", "--tracker", "--port", ports[0])
        self.assertEqual([each["address"].split(":")[1] for each in self.processes()], ports[1:])
        self.assertIn("--port", self.murder("stop", "--all", "--port", ports[1], code=2).stderr)

    def test_stop_all_stops_several(self):
        self.start_tracker()
        self.start_tracker()
        self.assertEqual(len(self.murder_json("stop", "--all")["stopped"]), 2)
        self.assertEqual(self.processes(), [])

    def test_a_killed_tracker_leaves_nothing_that_status_would_show(self):
        self.start_tracker()
        pid = self.process_of_kind("tracker")["pid"]
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not is_alive(pid), "the tracker is gone")
        self.assertEqual(self.processes(), [])

    def test_a_stopped_process_is_shown_as_not_answering(self):
        self.start_tracker()
        pid = self.process_of_kind("tracker")["pid"]
        os.kill(pid, signal.SIGSTOP)
        try:
            self.assertIn("does not answer", self.murder("status").stdout)
        finally:
            os.kill(pid, signal.SIGCONT)

    def test_a_stopped_tracker_is_known_by_its_port_and_ended(self):
        port = self.start_tracker().split(":")[1]
        pid = self.process_of_kind("tracker")["pid"]
        os.kill(pid, signal.SIGSTOP)
        self.assertEqual([each["kind"] for each in self.processes()], ["tracker"])
        self.murder("stop", "--tracker", "--port", port)
        self.assertFalse(is_alive(pid))

    def test_in_the_foreground_it_ends_with_a_signal(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(signal=number):
                address = free_address()
                endpoint = f"{address}:{free_port(address)}"
                running = self.start("tracker", "--listen", endpoint)
                wait_until(lambda: endpoint in running.output, "the tracker listens")
                running.signal(number)
                self.assertEqual(running.wait(), 0)
                self.assertEqual(list(self.run_directory.glob("*.sock")), [])

    def test_a_taken_port_is_a_clear_error_also_in_the_background(self):
        endpoint = self.start_tracker()
        for arguments in ([], ["--background"]):
            with self.subTest(arguments=arguments):
                error = self.murder("tracker", "--listen", endpoint, *arguments, code=1).stderr
                self.assertRegex(error, r"^murder tracker: .*" + re.escape(endpoint.split(":")[1]))
                self.assertRegex(error, r"taken.*a tracker listens on .* already")

    def test_json_tells_where_it_listens(self):
        address = free_address()
        endpoint = f"{address}:{free_port(address)}"
        report = self.murder_json("tracker", "--listen", endpoint, "--background")
        self.assertEqual(report["listen"], [endpoint])
        self.assertTrue(is_alive(report["pid"]))

    def test_a_long_run_directory_works(self):
        self.environment["MURDER_RUN_DIR"] = str(self.path("x" * 100, "y" * 100))
        self.run_directory = self.path("x" * 100, "y" * 100)
        self.start_tracker()
        self.assertEqual(len(self.processes()), 1)
        self.murder("stop", "--all")


if __name__ == "__main__":
    unittest.main()
