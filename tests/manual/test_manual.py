"""The manual pages: they say all that --help says, and man and mandoc find nothing wrong with them."""

import os
import pathlib
import re
import shutil
import tempfile
import unittest

from manual import Case, PROGRAM, ROOT, all_commands, help_of, make_pages, options_in, run


class ManualTest(Case):
    @classmethod
    def setUpClass(cls):
        cls.pages_directory = pathlib.Path(tempfile.mkdtemp(prefix="murder-pages-"))
        cls.addClassCleanup(shutil.rmtree, cls.pages_directory, ignore_errors=True)
        cls.pages = make_pages(cls.pages_directory)
        cls.texts = {}
        cls.warnings = {}
        environment = dict(os.environ, MANWIDTH="80", LC_ALL="C.UTF-8", MANROFFOPT="", MANPAGER="cat")
        environment.pop("MAN_KEEP_FORMATTING", None)
        if shutil.which("man"):
            for name, path in cls.pages.items():
                shown = run(["man", "-l", "--warnings", str(path)], env=environment)
                cls.texts[name] = shown.stdout
                cls.warnings[name] = shown.stderr

    def text_of(self, name):
        if not self.texts:
            self.skipTest("man is not installed")
        self.assertIn(name, self.texts)
        return self.texts[name]

    def test_every_command_and_every_task_has_a_page_with_all_of_its_options(self):
        commands = all_commands()
        self.assertGreater(len(commands), 30)
        for command in commands:
            with self.subTest(command=command):
                text = self.text_of("-".join(("murder", *command)) + ".1")
                options = options_in(help_of(*command))
                self.assertGreater(len(options), 3)
                for option in options:
                    self.assertRegex(text, rf"(?m)(^|[\s(,]){re.escape(option)}([\s,.;)=]|$)")

    def test_the_page_of_the_fleet_has_the_options_of_all_tasks(self):
        text = self.text_of("murder-fleet.1")
        for command in all_commands():
            if command[0] == "fleet" and len(command) == 2:
                for option in options_in(help_of(*command)):
                    self.assertRegex(text, rf"(?m)(^|[\s(,]){re.escape(option)}([\s,.;)=]|$)", command)

    def test_the_first_page_names_every_command(self):
        text = self.text_of("murder.1")
        for command in all_commands():
            if len(command) == 1:
                self.assertIn(f"murder-{command[0]}(1)", text)
        self.assertIn("--host web1,web2,web3", text)

    def test_no_page_is_of_a_command_that_there_is_not(self):
        known = {"-".join(("murder", *command)) + ".1" for command in all_commands()}
        known |= {path.name for path in (ROOT / "docs" / "manual").glob("*.[1578]")}
        self.assertEqual(known, set(self.pages))

    def test_options_that_pages_speak_of_exist(self):
        known = {"--help", "--version", "--option"}  # the last stands for any
        for command in all_commands():
            known |= set(options_in(help_of(*command)))
        foreign = {"--now"}  # of systemctl
        for name in self.pages:
            for option in re.findall(r"(?<![\w-])--[a-z][a-z-]*", self.text_of(name)):
                self.assertIn(option, known | foreign, name)

    def test_man_finds_nothing_wrong(self):
        for name in self.pages:
            self.text_of(name)
            self.assertEqual(self.warnings[name], "", name)

    @unittest.skipUnless(shutil.which("mandoc"), "mandoc is not installed")
    def test_mandoc_finds_nothing_wrong(self):
        for name, path in self.pages.items():
            found = run(["mandoc", "-Tlint", "-Wall", str(path)])
            # Pages of other packages may not be here.
            lines = [line for line in found.stdout.splitlines() if "referenced manual not found" not in line]
            self.assertEqual(lines, [], name)
            strict = run(["mandoc", "-Tlint", "-Wwarning", str(path)])
            self.assertEqual((strict.stdout, strict.stderr, strict.returncode), ("", "", 0), name)

    @unittest.skipUnless(shutil.which("lexgrog"), "man-db is not installed")
    def test_apropos_finds_the_name_and_the_purpose(self):
        for name, path in self.pages.items():
            found = run(["lexgrog", str(path)])
            self.assertEqual(found.returncode, 0, found.stdout + found.stderr)
            self.assertIn(f'"{name.rpartition(".")[0]} - ', found.stdout)

    def test_pages_that_are_named_exist(self):
        for name, path in self.pages.items():
            page = path.read_text(encoding="utf-8")
            self.assertIn(".Sh SEE ALSO\n", page, name)
            for other, section in re.findall(r"(?m)^\.(?:It )?Xr (\S+) (\d)", page):
                other = other.replace("\\-", "-")
                if other.startswith("murder") or other.endswith(".toml"):
                    self.assertIn(f"{other}.{section}", self.pages, name)

    def test_pages_are_the_same_bytes_on_every_machine(self):
        environment = {"PATH": os.environ["PATH"], "HOME": "/nowhere", "TZ": "Asia/Tokyo", "LC_ALL": "de_DE.UTF-8",
                       "MURDER_RUN_DIR": "/elsewhere", "COLUMNS": "40", "temp_path": "/elsewhere"}
        os.sched_setaffinity(0, os.sched_getaffinity(0))
        again = make_pages(self.directory, cwd="/", env=environment)
        self.assertEqual(set(again), set(self.pages))
        for name, path in again.items():
            page = path.read_bytes()
            self.assertEqual(page, self.pages[name].read_bytes(), name)
            for word in (str(ROOT), os.uname().nodename):
                self.assertNotIn(word.encode(), page.replace(b"localhost", b""), name)

    def test_a_page_of_a_command_that_is_gone_is_removed_and_others_are_not(self):
        place = self.directory / "man1"
        place.mkdir()
        (place / "murder-gone.1").write_text("old")
        (place / "other.1").write_text("theirs")
        make_pages(self.directory)
        self.assertFalse((place / "murder-gone.1").exists())
        self.assertEqual((place / "other.1").read_text(), "theirs")

    def test_wrong_pages_and_dates_are_errors(self):
        wrong = self.directory / "murder.7"
        wrong.write_text('.\\" @commands nothing\n')
        made = run([PROGRAM, "__manual", "2026-11-29", str(self.directory / "out"), str(wrong)])
        self.assertEqual(made.returncode, 1)
        self.assertIn("nothing", made.stderr)
        made = run([PROGRAM, "__manual", "today", str(self.directory / "out")])
        self.assertEqual(made.returncode, 1)
        self.assertIn("today", made.stderr)

    def test_hidden_commands_stay_hidden(self):
        self.assertNotIn("__", help_of())


if __name__ == "__main__":
    unittest.main()
