"""The value of an option is what stands behind it, and never the next option: a variable that is not set is wrong usage."""

import os
import re

from harness import MurderCase


class EmptyValues(MurderCase):
    def named_in_help(self, *words):
        return re.findall(r"(?m)^  ([a-z-]+) ", self.murder(*words, "--help").stdout.split("Commands:", 1)[1].split("Example:")[0])

    def commands(self):
        """Each command and each task, as words."""
        for name in self.named_in_help():
            if name == "fleet":
                yield from ([name, task] for task in self.named_in_help(name))
            else:
                yield [name]

    def options_of(self, words):
        """Those that take a value."""
        for line in self.murder(*words, "--help").stdout.splitlines():
            found = re.match(r"  (?:-\w,)?(--[a-z-]+)(?:,--[a-z-]+)? [A-Z]", line)
            if found:
                yield found.group(1)

    def test_an_empty_value_is_wrong_usage_for_every_option_of_every_command(self):
        count = 0
        for words in self.commands():
            for option in self.options_of(words):
                count += 1
                with self.subTest(words=words, option=option):
                    for value in ([f"{option}="], [option, ""], [f"{option}=", "--json"], [option, "--json"],
                                  [option, "--no-such-option"]):
                        result = self.murder(*words, *value, code=2)
                        self.assertTrue(result.stderr.startswith(f"murder {' '.join(words)}: {option}: "), result.stderr)
        self.assertGreater(count, 50)

    def test_a_directory_that_is_not_set_deletes_nothing(self):
        here = self.path("here")
        here.mkdir()
        torrent = self.create(self.make_file("f", 10), "v1")
        for to in (["--to="], ["--to", ""], ["--to"]):
            result = self.murder("peer", torrent, *to, "--unsafe-please-delete", code=2, cwd=here)
            self.assertIn("--to", result.stderr)
        self.assertEqual(os.listdir(here), [])

    def test_an_option_that_takes_one_value_is_given_once(self):
        for words, option in ((["deploy", "x", "--tag", "a", "--tag", "b"], "--tag"),
                              (["deploy", "x", "--to=a", "--destination-path", "a"], "--destination-path"),
                              (["seed", "x", "--peer-port=7001", "--peer-port", "7002"], "--peer-port"),
                              (["rollout", "start", "shop", "v1", "--bake", "1s", "--bake=2s"], "--bake")):
            result = self.murder(*words, code=2)
            self.assertIn(f": {option}: given twice, and it takes one value\n", result.stderr)
        # Hosts may be named as often as one likes.
        self.assertNotIn("twice", self.murder("deploy", "x", "--host", "a", "--host", "b", code=2).stderr)

    def test_an_empty_argument_is_wrong_usage(self):
        for words in (["info", ""], ["seed", ""], ["peer", "", "--to", "x"], ["stop", ""], ["activate", "", "--to", "x"]):
            self.assertIn("empty", self.murder(*words, code=2).stderr)

    def test_a_value_may_begin_with_a_dash_behind_an_equals_sign(self):
        source = self.make_file("f", 10)
        self.murder("create", source, "--tag", "v1", "--temp-path=-odd", cwd=self.directory)
        self.assertTrue(self.path("-odd", "v1.torrent").exists())
        self.murder("info", "-", code=1)  # standard input
