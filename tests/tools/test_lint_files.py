"""./dev lint checks again what changed, and nothing else."""

import pathlib
import tempfile
import unittest

import lint_files


class FakeChecker:
    """Names are paths; a file is wrong when it has the word WRONG, and includes what it names."""

    def __init__(self, place):
        self.place = place
        self.options = "-O2"
        self.checked = []
        self.while_checking = None

    def circumstances(self, _):
        return self.options

    def files_of(self, name):
        path = self.place / name
        if not path.exists():
            return f"{name} is missing", []
        return "", [str(path), *(str(self.place / word) for word in path.read_text().split() if word.endswith(".h"))]

    def check(self, name):
        self.checked.append(name)
        if self.while_checking is not None:
            self.while_checking()
        return f"{name} is wrong" if "WRONG" in (self.place / name).read_text() else ""


class LintFiles(unittest.TestCase):
    def setUp(self):
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.place = pathlib.Path(place.name)
        self.checker = FakeChecker(self.place)
        self.write("a.cc", "both.h")
        self.write("b.cc", "both.h b.h")
        for header in ("both.h", "b.h"):
            self.write(header, "")

    def write(self, name, text):
        (self.place / name).write_text(text)

    def run_lint(self, names=("a.cc", "b.cc")):
        """(files that were checked, what was shown, the counts)"""
        self.checker.checked = []
        shown = []
        passed = lint_files.Passed(self.place / "passed")
        counts = lint_files.check_all(self.checker, names, passed, 1, shown.append)
        return sorted(self.checker.checked), shown, counts

    def test_what_passed_is_not_checked_again(self):
        self.assertEqual(self.run_lint(), (["a.cc", "b.cc"], [], (0, 2)))
        self.assertEqual(self.run_lint(), ([], [], (0, 0)))

    def test_a_header_is_checked_with_those_that_include_it(self):
        self.run_lint()
        self.write("b.h", "changed")
        self.assertEqual(self.run_lint()[0], ["b.cc"])
        self.write("both.h", "changed")
        self.assertEqual(self.run_lint()[0], ["a.cc", "b.cc"])
        (self.place / "b.h").unlink()
        self.write("b.cc", "both.h")
        self.assertEqual(self.run_lint()[0], ["b.cc"])

    def test_other_options_or_checks_are_for_all(self):
        self.run_lint()
        self.checker.options = "-O3"
        self.assertEqual(self.run_lint()[0], ["a.cc", "b.cc"])

    def test_what_failed_is_shown_again(self):
        self.write("a.cc", "WRONG")
        for _ in range(2):
            checked, shown, counts = self.run_lint()
            self.assertIn("a.cc", checked)
            self.assertEqual((shown, counts[0]), (["a.cc is wrong"], 1))
        self.write("a.cc", "right")
        self.assertEqual(self.run_lint(), (["a.cc"], [], (0, 1)))

    def test_a_file_that_cannot_be_read_fails(self):
        self.assertEqual(self.run_lint(["none.cc"]), ([], ["none.cc is missing"], (1, 1)))

    def test_a_file_that_changes_meanwhile_is_checked_again(self):
        self.checker.while_checking = lambda: self.write("b.h", "changed meanwhile")
        self.run_lint(["b.cc"])
        self.checker.while_checking = None
        self.write("b.h", "")  # as when it was read first
        self.assertEqual(self.run_lint(["b.cc"])[0], ["b.cc"])
        self.assertEqual(self.run_lint(["b.cc"])[0], [])

    def test_a_record_that_was_cut_counts_for_nothing(self):
        self.run_lint()
        for record in (self.place / "passed").iterdir():
            record.write_text(record.read_text()[:-5])
        self.assertEqual(self.run_lint()[0], ["a.cc", "b.cc"])

    def test_rules_of_make_are_read_with_blanks_and_dollars(self):
        rule = "it: a.cc \\\n /usr/include/b.h \\\n  with\\ blank.h dollar$$.h hash\\#.h\n"
        self.assertEqual(lint_files.paths_of_rule(rule),
                         ["a.cc", "/usr/include/b.h", "with blank.h", "dollar$.h", "hash#.h"])

    def test_the_command_that_lists_files_compiles_nothing(self):
        command = ["clang++", "-Isrc", "-MD", "-MQ", "a.o", "-MF", "a.d", "-o", "a.o", "-c", "a.cc"]
        self.assertEqual(lint_files.dependency_command(command), ["clang++", "-Isrc", "a.cc", "-M", "-MT", "it"])


if __name__ == "__main__":
    unittest.main()
