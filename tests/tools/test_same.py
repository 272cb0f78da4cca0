"""./dev same: two programs that simulate the same are the same, and every way to differ is told."""

import contextlib
import io
import os
import pathlib
import subprocess
import tempfile
import unittest
from unittest import mock

import same
import simulations

PROGRAM = pathlib.Path(os.environ.get("MURDER_BIN", str(same.ROOT / "build/murder"))).resolve()
CHOSEN = [simulations.Simulation("sizes", "--hosts 3", is_quick=True),
          simulations.Simulation("sizes", "--hosts 600", uses_all_cores=True),
          simulations.Simulation("racks", "--rack-size 4")]


class SameCase(unittest.TestCase):
    def setUp(self):
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.place = pathlib.Path(place.name)
        for patch in (mock.patch.object(simulations, "SIMULATIONS", CHOSEN),
                      mock.patch.object(same, "ROOT", self.place),
                      mock.patch.object(same, "PLACE", self.place / "build-same"),
                      mock.patch.object(same, "TREE", self.place / "build-same/tree"),
                      mock.patch.object(same, "PROGRAMS", self.place / "build-same/programs")):
            patch.start()
            self.addCleanup(patch.stop)

    def program(self, name, script):
        path = self.place / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return str(path)

    def same(self, *words):
        """(exit status, what was printed)"""
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            status = same.main(list(words))
        return status, out.getvalue()

    def compare(self, before, after, *words):
        return self.same("--programs", self.program("before", before), self.program("after", after), *words)


class Programs(SameCase):
    def test_that_print_the_same_are_the_same(self):
        script = """printf '{"last_s":1.50,"words":"%s"}\\n' "$*" """
        status, text = self.compare(script, script)
        self.assertEqual(status, 0, text)
        self.assertIn("all simulations are the same", text)
        self.assertRegex(text, r"(?m)^sizes +2 +2 ")
        self.assertRegex(text, r"(?m)^all +3 +3 ")

    def test_that_differ_in_one_value_are_told_with_the_command_and_both_values(self):
        status, text = self.compare("""echo '{"events":7,"last_s":1.50}'""", """echo '{"events":7,"last_s":1.5}'""")
        self.assertEqual(status, 1)
        self.assertIn("differs: murder simulate --rack-size 4\n    last_s: 1.50 -> 1.5\n", text)
        self.assertIn("3 of 3 simulations differ", text)

    def test_that_differ_for_one_simulation_only(self):
        status, text = self.compare("""echo '{"last_s":1}'""",
                                    """case $* in *rack*) echo '{"last_s":2}';; *) echo '{"last_s":1}';; esac""")
        self.assertEqual(status, 1)
        self.assertIn("1 of 3 simulations differ", text)
        self.assertNotIn("--hosts 3\n", text)

    def test_that_differ_in_names_order_or_exit_status(self):
        for after, told in (("""echo '{"a":1,"b":2,"c":3}'""", "c: absent -> 3"),
                            ("""echo '{"a":1}'""", "b: 2 -> absent"),
                            ("""echo '{"b":2,"a":1}'""", "the same values, written in another way"),
                            ("""echo '{"a":1,"b":2}'; exit 1""", "exit status: 0 -> 1")):
            with self.subTest(after=after):
                status, text = self.compare("""echo '{"a":1,"b":2}'""", after)
                self.assertEqual(status, 1)
                self.assertIn(told, text)

    def test_of_which_none_simulates_anything_are_not_the_same(self):
        for script, told in (("echo 'no such option' >&2; exit 2", "(exit status 2): no such option"),
                             ("kill -ABRT $$", "simulated nothing"),
                             ("echo '{}'; exit 2", "(exit status 2): nothing on stderr"),
                             ("echo nonsense", "simulated nothing (exit status 0)"),
                             ("echo '[1]'", "simulated nothing")):
            with self.subTest(script=script):
                status, text = self.compare(script, script)
                self.assertEqual(status, 1)
                self.assertIn(told, text)

    def test_that_hang_are_stopped(self):
        with mock.patch.object(same, "RUN_SECONDS_MAX", 0.2):
            status, text = self.compare("exec sleep 60", """echo '{"last_s":1}'""")
        self.assertEqual(status, 1)
        self.assertIn("before: simulated nothing (exit status 124)", text)

    def test_are_alike_when_only_what_a_run_took_differs(self):
        status, text = self.compare("""echo '{"last_s":1,"cpu_s":1}'""", """echo '{"last_s":1,"cpu_s":2}'""")
        self.assertEqual(status, 0, text)

    def test_the_quick_list_is_a_part_of_the_list(self):
        status, text = self.compare("echo '{}'", "echo '{}'", "--quick")
        self.assertEqual(status, 0)
        self.assertRegex(text, r"(?m)^all +1 +1 ")

    def test_each_run_has_one_core_unless_it_uses_all(self):
        script = """echo "{\\"cores\\":$(nproc)}" """
        status, text = self.compare(script, script.replace("$(nproc)", "1"))
        cores = len(os.sched_getaffinity(0))
        self.assertEqual(text.count(f"cores: {cores} -> 1"), 1 if cores > 1 else 0, text)

    def test_that_are_none_are_wrong_usage(self):
        status, text = self.same("--programs", "/nonexistent", str(self.place))
        self.assertEqual(status, 2)
        self.assertIn("/nonexistent: not a program", text)


class Usage(SameCase):
    def test_names_a_commit_or_two_programs(self):
        for words in ([], ["HEAD", "--programs", "a", "b"], ["--programs", "a"], ["HEAD", "--clean"]):
            with self.subTest(words=words), self.assertRaises(SystemExit) as ended:
                self.same(*words)
            self.assertEqual(ended.exception.code, 2)


class Revisions(SameCase):
    def setUp(self):
        super().setUp()
        self.git("init", "--quiet")
        (self.place / ".gitignore").write_text("/build*\n")
        self.program("dev", "echo built >> \"$BUILDS\"; mkdir -p build; cp murder.sh build/murder")
        patch = mock.patch.dict(os.environ, {"BUILDS": str(self.place / "build-log")})
        patch.start()
        self.addCleanup(patch.stop)
        self.commit(1)
        self.commit(2)

    def git(self, *words):
        subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-C", str(self.place), *words],
                       check=True, capture_output=True)

    def commit(self, number):
        self.program("murder.sh", f"""echo '{{"last_s":{number}}}'""")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", str(number))

    def builds(self):
        return (self.place / "build-log").read_text().count("built")

    def test_this_tree_is_compared_with_a_commit_whose_program_is_kept(self):
        self.assertEqual(self.same("HEAD")[0], 0)
        status, text = self.same("HEAD~1")
        self.assertEqual(status, 1)
        self.assertIn("last_s: 1 -> 2", text)
        builds = self.builds()
        self.assertEqual(self.same("HEAD", "--quick")[0], 0)
        self.assertEqual(self.builds(), builds + 1)  # this tree alone
        self.same("--clean")
        self.assertFalse((self.place / "build-same").exists())

    def test_what_is_not_committed_counts(self):
        self.program("murder.sh", """echo '{"last_s":3}'""")
        status, text = self.same("HEAD")
        self.assertEqual(status, 1)
        self.assertIn("last_s: 2 -> 3", text)

    def test_two_commits(self):
        status, text = self.same("HEAD", "HEAD~1")
        self.assertEqual(status, 1)
        self.assertIn("last_s: 2 -> 1", text)

    def test_a_commit_that_is_none_or_does_not_build(self):
        status, text = self.same("nonsense")
        self.assertEqual(status, 2)
        self.assertIn("nonsense", text)
        self.program("dev", "exit 1")
        self.commit(4)
        status, text = self.same("HEAD")
        self.assertEqual(status, 2)
        self.assertIn("does not build", text)


class RealProgram(unittest.TestCase):
    def test_is_the_same_as_itself_and_not_with_another_seed(self):
        chosen = [one for one in simulations.SIMULATIONS if one.is_quick][:4]
        comparisons = same.compare(PROGRAM, PROGRAM, chosen, lambda done: None)
        self.assertEqual([one.differences for one in comparisons], [[]] * len(chosen))
        first, second = (same.run_program(PROGRAM, simulations.Simulation("", f"--hosts 9 --size 4MiB --seed {seed}"),
                                          min(os.sched_getaffinity(0))) for seed in (1, 2))
        self.assertTrue(same.differences_between(first, second))

    def test_each_simulation_is_named_once(self):
        words = [one.words for one in simulations.SIMULATIONS]
        self.assertEqual(len(words), len(set(words)))


if __name__ == "__main__":
    unittest.main()
