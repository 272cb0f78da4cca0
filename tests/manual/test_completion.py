"""Completion: what the program says there is to choose from, and what bash, zsh and fish make of it at a terminal."""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import time
import unittest

from manual import Case, PROGRAM, ROOT, Terminal, all_commands, help_of, options_in, run

SCRIPTS = ROOT / "packaging" / "completion"
CONFIG = """
[murder]
default_tag = "v9"
coordinator = ["t1:8998"]
tracker_port = 9000
[roles]
tracker = "tracker01"
seeder = "depot"
peer = ["web[1-3]", { host = "x[01-40]", rack = "r7" }]
"""


class CompletionCase(Case):
    def setUp(self):
        super().setUp()
        self.temp_path = self.directory / "temp"
        self.temp_path.mkdir()
        self.run_directory = self.directory / "run"
        self.programs = self.directory / "bin"
        self.programs.mkdir()
        (self.programs / "murder").symlink_to(pathlib.Path(PROGRAM).resolve())
        self.work = self.directory / "work"
        self.work.mkdir(mode=0o755)
        self.environment = dict(
            os.environ, PATH=f"{self.programs}:{os.environ['PATH']}", MURDER_RUN_DIR=str(self.run_directory),
            HOME=str(self.directory), XDG_STATE_HOME=str(self.directory / "state"), LC_ALL="C.UTF-8", TERM="dumb",
            XDG_CONFIG_HOME=str(self.directory / "config"), XDG_DATA_HOME=str(self.directory / "data"))
        self.environment.pop("XDG_RUNTIME_DIR", None)

    def write_config(self, text=CONFIG):
        (self.work / "murder.toml").write_text(text)

    def make_release(self, tag):
        (self.work / "tree").mkdir(exist_ok=True)
        (self.work / "tree" / "file").write_text(tag)
        made = run([PROGRAM, "create", str(self.work / "tree"), "--tag", tag, "--temp-path", str(self.temp_path)],
                   env=self.environment)
        self.assertEqual(made.returncode, 0, made.stderr)

    def make_record(self, *tags, current=None):
        application = self.directory / "app"
        application.mkdir(exist_ok=True)
        for tag in tags:
            (application / tag).mkdir()
        record = {"delivered": list(tags), "activated": [], "placed": []}
        (application / ".murder-releases.json").write_text(json.dumps(record))
        if current:
            (application / "current").symlink_to(current)
        return str(application)

    def start(self, *arguments):
        started = run([PROGRAM, *arguments], env=self.environment)
        self.assertEqual(started.returncode, 0, started.stderr)
        self.addCleanup(run, [PROGRAM, "stop", "--all"], env=self.environment)


class ProgramTest(CompletionCase):
    """What `murder __complete` prints."""

    def complete(self, *words):
        shown = run([PROGRAM, "__complete", *words], cwd=self.work, env=self.environment)
        self.assertEqual((shown.returncode, shown.stderr), (0, ""))
        return dict(line.split("\t", 1) for line in shown.stdout.splitlines())

    def test_every_command_task_and_option_of_the_help_is_offered(self):
        for command in all_commands():
            with self.subTest(command=command):
                self.assertIn(command[-1], self.complete(*command[:-1], ""))
                offered = self.complete(*command, "--")
                for option in options_in(help_of(*command)):
                    if option.startswith("--"):
                        self.assertIn(option, self.complete(*command, option))
                self.assertIn("--json", offered)
                self.assertTrue(all(offered.values()), "each has a description")

    def test_hosts_and_node_sets_of_the_configuration(self):
        self.write_config()
        offered = self.complete("deploy", "--host", "")
        for word in ("web[1-3]", "x[01-40]", "web2", "x40", "tracker01", "depot"):
            self.assertIn(word, offered)
        self.assertEqual(offered["depot"], "seeder")
        self.assertIn("web1,web2", self.complete("deploy", "--host", "web1,web2"))
        self.assertIn("--host=x[01-40],depot", self.complete("deploy", "--host=x[01-40],d"))
        self.assertIn("web[1-3]", self.complete("deploy", "--host", "'web["))
        self.assertIn("tracker01:9000", self.complete("create", "--tracker", "tr"))
        self.assertEqual(self.complete("rollout", "status", "--coordinator", "t1")["t1:8998"], "coordinator")
        (self.work / "other.toml").write_text('[roles]\npeer = "other"\n')
        self.assertEqual(list(self.complete("fleet", "peer", "--config", "other.toml", "--host", "")), ["other"])

    def test_a_configuration_that_is_not_trusted_or_damaged_offers_nothing(self):
        self.write_config()
        (self.work / "murder.toml").chmod(0o666)
        self.assertEqual(self.complete("deploy", "--host", ""), {})
        self.write_config("[[[")
        (self.work / "murder.toml").chmod(0o644)
        self.assertEqual(self.complete("deploy", "--host", ""), {})

    def test_nothing_of_the_configuration_is_run(self):
        self.write_config(f'[fleet]\nlauncher = "exec:touch {self.directory}/ran"\nssh = "touch {self.directory}/ran"\n'
                          '[roles]\npeer = "$(touch ran)"\n')
        for words in (["deploy", "--host", ""], ["fleet", "hosts", ""], ["deploy", "--tag", ""]):
            self.complete(*words)
        self.assertFalse((self.directory / "ran").exists() or (self.work / "ran").exists())

    def test_tags_of_what_runs_and_of_what_ended(self):
        self.make_release("v41")
        self.make_release("v42")
        self.start("seed", str(self.temp_path / "v42.tar.zst.torrent"), "--background")
        self.assertEqual(list(self.complete("stop", "")), ["v42"])
        self.assertEqual(self.complete("status", "v")["v42"], "seeder, seeding")
        self.assertEqual(self.complete("stop", "w"), {})
        cleaned = self.complete("clean", "--temp-path", str(self.temp_path), "")
        self.assertEqual(set(cleaned), {"v41", "v42"})
        (self.run_directory / "peer-v40.outcome").write_text('{"state":"failed"}')
        self.assertIn("v40", self.complete("wait", ""))
        self.assertNotIn("v41", self.complete("wait", ""))

    def test_releases_of_a_directory(self):
        application = self.make_record("v1", "v2", "v3", current="v2")
        offered = self.complete("activate", "--to", application, "")
        self.assertEqual(list(offered), ["v3", "v2", "v1"])
        self.assertEqual(offered["v2"], "current")
        shutil.rmtree(pathlib.Path(application) / "v1")
        self.assertNotIn("v1", self.complete("fleet", "activate", f"destination_path={application}", "tag="))
        self.assertIn("tag=v3", self.complete("fleet", "activate", f"destination_path={application}", "tag="))

    def test_tags_of_a_fleet(self):
        self.write_config()
        self.make_release("v42")
        state = self.directory / "state" / "murder"
        state.mkdir(parents=True)
        (state / "deploy-v7.json").write_text("{}")
        offered = self.complete("deploy", "--temp-path", str(self.temp_path), "--tag", "")
        self.assertEqual(set(offered), {"v42", "v7", "v9"})

    def test_files_directories_and_torrents_are_for_the_shell_to_offer(self):
        self.assertEqual(self.complete("peer", "--to", "/sr"), {":directories": "\t/sr"})
        self.assertEqual(self.complete("peer", "--to=/sr"), {":directories": "--to=\t/sr"})
        self.assertIn(":files", self.complete("create", ""))
        self.assertIn(":torrents", self.complete("info", ""))
        self.assertIn(":users", self.complete("peer", "--owner", ""))
        self.make_release("v42")
        torrent = str(self.temp_path / "v42.tar.zst.torrent")
        self.assertIn(torrent, self.complete("peer", "--temp-path", str(self.temp_path), ""))
        self.assertEqual(list(self.complete("seed", "--from", str(self.temp_path), "")), ["v42"])

    def test_it_never_fails_and_never_waits(self):
        self.write_config()
        os.mkfifo(self.work / "fifo")
        self.run_directory.mkdir(mode=0o700)
        with socket.socket(socket.AF_UNIX) as silent:  # a process that does not answer
            silent.bind(str(self.run_directory / "1.sock"))
            silent.listen()
            begin = time.monotonic()
            for words in ([], ["stop", ""], ["deploy", "--config", "fifo", "--host", ""], ["\udcff", "\n"], ["'"],
                          ["--", "--", ""], ["deploy"] * 2000, ["activate", "--to", "/proc/1/root", ""], ["fleet"],
                          ["x" * 100000]):
                shown = subprocess.run([os.fsencode(word) for word in [PROGRAM, "__complete", *words]], cwd=self.work,
                                       env=self.environment, capture_output=True, timeout=30)
                self.assertEqual((shown.returncode, shown.stderr), (0, b""), words[:3])
            # Each of them is bounded by less than half a second; a machine may be ten times slower than that.
            self.assertLess(time.monotonic() - begin, 60)

    def test_names_that_would_spoil_the_answer_are_left_out(self):
        self.make_release("v42")
        (self.temp_path / "a\tb.torrent").touch()
        (self.temp_path / "c\nd.torrent").touch()
        for word in self.complete("info", "--temp-path", str(self.temp_path), ""):
            self.assertNotIn("a", word.replace(str(self.temp_path), "")[:2])


class ShellTests:
    """The same in each shell: a line is typed, then a tab, and `murder` is called with what came of it."""

    takes_brackets = True

    def setUp(self):
        super().setUp()
        self.write_config()
        for name in ("release one", "rest"):
            (self.work / name).mkdir()
        (self.work / "only.torrent").touch()
        (self.work / "only.text").touch()
        self.shell = self.open_shell()
        self.addCleanup(self.shell.close)

    def expect(self, line, *words):
        # Zsh takes the slash of a directory back when the line ends there.
        found = [word.rstrip("/") for word in self.shell.complete("murder " + line)]
        self.assertEqual(found, [word.rstrip("/") for word in words])

    def test_commands_tasks_and_options(self):
        self.expect("rollb", "rollback")
        self.expect("fleet stop-all-s", "fleet", "stop-all-seeding")
        self.expect("peer --to-is", "peer", "--to-is-directory")
        self.expect("peer --send-path spl", "peer", "--send-path", "splice")
        self.expect("peer --send-path=spl", "peer", "--send-path=splice")

    def test_hosts_with_brackets_are_one_word(self):
        if self.takes_brackets:
            self.expect("deploy --host web[", "deploy", "--host", "web[1-3]")
            self.expect("deploy --host=web[", "deploy", "--host=web[1-3]")
        self.expect("deploy --host 'web[", "deploy", "--host", "web[1-3]")
        self.expect("deploy --host='web[", "deploy", "--host=web[1-3]")
        self.expect("deploy --host depot,x4", "deploy", "--host", "depot,x40")

    def test_words_with_colons(self):
        self.expect("create --tracker trac", "create", "--tracker", "tracker01:9000")
        self.expect("create --tracker tracker01:9", "create", "--tracker", "tracker01:9000")
        self.expect("create --tracker=tracker01:9", "create", "--tracker=tracker01:9000")

    def test_directories_files_and_torrents(self):
        self.expect("peer --to rel", "peer", "--to", "release one/")
        self.expect("peer --to=rel", "peer", "--to=release one/")
        self.expect("create only.te", "create", "only.text")
        self.expect("info onl", "info", "only.torrent")

    def test_releases_and_murders_own_words(self):
        application = self.make_record("v1", "w2", current="v1")
        self.expect(f"activate --to {application} w", "activate", "--to", application, "w2")
        self.expect(f"fleet activate destination_path={application} tag=w", "fleet", "activate",
                    f"destination_path={application}", "tag=w2")

    def test_an_error_shows_nothing(self):
        (self.programs / "murder").unlink()
        self.expect("rollb", "rollb")
        self.assertNotIn("not found", self.shell.output)
        self.assertNotIn("No such", self.shell.output)


@unittest.skipUnless(shutil.which("bash"), "bash is not installed")
class BashTest(ShellTests, CompletionCase):
    def open_shell(self):
        return Terminal(
            ["bash", "--norc", "--noprofile", "-i"],
            ["PS1='$ '", "bind 'set enable-bracketed-paste off'", f"source {SCRIPTS / 'murder.bash'}",
             "murder() { printf '<WORD:%s>\\n' \"$@\"; printf '<%s>\\n' END; }"],
            self.work, self.environment)

    def test_bash_completion_finds_the_script(self):
        place = self.directory / "data" / "bash-completion" / "completions"
        place.mkdir(parents=True)
        shutil.copy(SCRIPTS / "murder.bash", place / "murder")
        library = "/usr/share/bash-completion/bash_completion"
        if not os.path.exists(library):
            self.skipTest("bash-completion is not installed")
        shown = run(["bash", "--norc", "-c",
                     f"source {library}; _completion_loader murder; complete -p murder"], env=self.environment)
        self.assertIn("_murder", shown.stdout)


@unittest.skipUnless(shutil.which("zsh"), "zsh is not installed")
class ZshTest(ShellTests, CompletionCase):
    takes_brackets = False  # without quotes they begin a subscript there, which zsh completes by itself

    def open_shell(self):
        functions = self.directory / "functions"
        functions.mkdir()
        shutil.copy(SCRIPTS / "_murder", functions)
        return Terminal(
            ["zsh", "-f", "-i"],
            ["PS1='$ '; unsetopt beep zle_bracketed_paste 2>/dev/null; unset zle_bracketed_paste", f"fpath=({functions} $fpath)",
             "autoload -Uz compinit && compinit -u -D",
             "murder() { printf '<WORD:%s>\\n' \"$@\"; printf '<%s>\\n' END }"],
            self.work, self.environment)


@unittest.skipUnless(shutil.which("fish"), "fish is not installed")
class FishTest(ShellTests, CompletionCase):
    def open_shell(self):
        return Terminal(
            ["fish", "--no-config", "-i"],
            ["function fish_prompt; echo '$ '; end; function fish_greeting; end",
             f"source {SCRIPTS / 'murder.fish'}",
             "function murder; printf '<WORD:%s>\\n' $argv; printf '<%s>\\n' END; end"],
            self.work, self.environment)

    def test_descriptions(self):
        shown = run(["fish", "--no-config", "-c", f"source {SCRIPTS / 'murder.fish'}; complete -C 'murder rollb'"],
                    cwd=self.work, env=self.environment)
        self.assertIn("rollback\tMake the release", shown.stdout)


if __name__ == "__main__":
    unittest.main()
