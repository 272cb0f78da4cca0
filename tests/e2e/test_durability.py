"""What outlasts a power cut: which syncs the program makes, in which order, and what it does when one fails.

A cut cannot be made here, but the order of the system calls can be seen (strace)."""

import json
import os
import re
import shutil
import subprocess
import unittest

from harness import COMMAND_SECONDS_MAX, PROGRAM, MurderCase

SYNCS = ("fsync", "fdatasync", "syncfs")
NAMES = ("rename", "renameat", "renameat2", "link", "linkat")
CALL = re.compile(r"^(\d+) +(?:<\.\.\. )?(\w+)(?:\(| resumed)(.*)$")


def strace_works():
    if shutil.which("strace") is None:
        return False
    return subprocess.run(["strace", "-f", "-o", "/dev/null", "true"], capture_output=True, check=False).returncode == 0


class Call:
    def __init__(self, thread, name, text):
        self.thread, self.name, self.text = thread, name, text

    def __repr__(self):
        return f"{self.name}({self.text})"


def parse(trace):
    """The calls in order: a sync where it has ended, anything else where it begins."""
    begun = {}
    calls = []
    for line in trace.splitlines():
        match = CALL.match(line)
        if not match:
            continue
        thread, name, text = match.groups()
        is_resumed = "resumed" in line.split("(")[0] or "<... " in line
        if is_resumed:
            text = begun.pop(thread, "") + text
        if "<unfinished" in line:
            begun[thread] = text
            if name in SYNCS:
                continue
        elif is_resumed and name not in SYNCS:
            continue
        calls.append(Call(thread, name, text))
    return calls


@unittest.skipUnless(strace_works(), "needs strace, which must be allowed to trace")
class DurabilityCase(MurderCase):
    def trace(self, *arguments, code=0, inject=None, also=(), stdin=subprocess.DEVNULL):
        output = self.path("trace")
        command = ["strace", "-f", "-y", "-s", "200", "-o", str(output),
                   "-e", "trace=" + ",".join(SYNCS + NAMES + tuple(also))]
        if inject:
            command += ["-e", f"inject={inject}"]
        result = subprocess.run([*command, PROGRAM, *map(str, arguments)], capture_output=True, text=True,
                                stdin=stdin, env=self.environment, timeout=COMMAND_SECONDS_MAX, check=False)
        if code is not None:
            self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        return parse(output.read_text(errors="replace")), result

    def assert_order(self, calls, *steps):
        """Each step (names of calls, pattern) comes after the one before."""
        at = 0
        for names, pattern in steps:
            found = next((index for index in range(at, len(calls))
                          if calls[index].name in names and re.search(pattern, calls[index].text)), None)
            self.assertIsNotNone(found, f"{names} {pattern} is missing, or too early, in\n" +
                                 "\n".join(map(repr, calls)))
            at = found + 1

    def assert_no_syncs(self, calls):
        self.assertEqual([call for call in calls if call.name in SYNCS], [])
        self.assertTrue(any(call.name in NAMES for call in calls), "the trace saw nothing")

    def synced(self, path):
        return (("fsync",), f"<{re.escape(str(path))}>")

    def named(self, path):
        name = re.escape(os.path.basename(path))
        return (NAMES, rf'\.{name}\.murder-[0-9a-f]{{12}}".*[/"]{name}"')


class Receive(DurabilityCase):
    def receive(self, *words):
        with open(self.make_file("sent", 300_000), "rb") as sent:
            return self.trace("receive", self.temp_path / "v1.tar.zst", "--size", "300000", *words, stdin=sent)[0]

    def test_an_archive_is_on_the_disk_before_it_has_its_name(self):
        self.assert_order(self.receive(), (("fsync",), r"\.v1\.tar\.zst\.murder-\w+>"), self.named("v1.tar.zst"),
                          self.synced(self.temp_path))

    def test_nothing_is_waited_for_when_that_is_asked_for(self):
        self.assert_no_syncs(self.receive("--no-sync"))


class Create(DurabilityCase):
    def test_archive_and_torrent_are_on_the_disk_before_they_have_their_names(self):
        source = self.make_tree()
        for kind, path, name in (("directory", source, "v1.tar.zst"),
                                 ("file", self.make_file("big.bin", 300_000), "v1")):
            with self.subTest(kind):
                calls, _ = self.trace("create", path, "--tag", "v1", "--temp-path", self.temp_path)
                self.assert_order(calls,
                                  (("fsync",), rf"\.{re.escape(name)}\.murder-\w+>"),
                                  self.named(name), self.synced(self.temp_path),
                                  (("fsync",), rf"\.{re.escape(name)}\.torrent\.murder-\w+>"),
                                  self.named(name + ".torrent"), self.synced(self.temp_path))

    def test_an_old_torrent_is_gone_before_the_new_archive_has_its_name(self):
        source = self.make_tree()
        self.create(source, "v1")
        calls, _ = self.trace("create", source, "--tag", "v1", "--temp-path", self.temp_path, "--force",
                              also=("unlink", "unlinkat"))
        self.assert_order(calls, (("unlink", "unlinkat"), r'v1\.tar\.zst\.torrent"'), self.synced(self.temp_path),
                          self.named("v1.tar.zst"), self.synced(self.temp_path), self.named("v1.tar.zst.torrent"),
                          self.synced(self.temp_path))

    def test_no_sync(self):
        calls, _ = self.trace("create", self.make_tree(), "--tag", "v1", "--temp-path", self.temp_path, "--no-sync")
        self.assert_no_syncs(calls)

    def test_a_sync_that_fails_is_told_and_nothing_appears(self):
        source = self.make_tree()
        for error, text in (("EIO", "Input/output error"), ("ENOSPC", "No space left on device")):
            with self.subTest(error):
                _, result = self.trace("create", source, "--tag", "v1", "--temp-path", self.temp_path, code=1,
                                       inject=f"fsync:error={error}:when=1")
                self.assertIn(text, result.stderr)
                self.assertEqual(os.listdir(self.temp_path), [])


class Peer(DurabilityCase):
    def setUp(self):
        super().setUp()
        self.target = self.path("host", "to")

    def trace_peer(self, torrent, *arguments, **options):
        return self.trace(*self.peer_arguments(torrent, "--temp-path", self.temp_path, *arguments), **options)

    def test_tree_name_record_outcome_in_this_order(self):
        torrent = self.create(self.make_tree(), "v1")
        calls, _ = self.trace_peer(torrent, "--record", "--background", also=("io_uring_enter",))
        self.assert_order(calls,
                          self.synced(self.path("host")),  # it was made
                          (("syncfs",), r"\.v1\.murder-\w+>"),
                          self.named("v1"), self.synced(self.target),
                          (("fsync",), r"\.murder-releases\.json\.murder-\w+>"),
                          self.named(".murder-releases.json"), self.synced(self.target),
                          (("fsync",), r"\.peer-v1\.outcome\.murder-\w+>"),
                          self.named("peer-v1.outcome"), self.synced(self.run_directory))
        # Where a peer had placed it that was killed, or lost its power, is known before it is placed.
        self.assert_order(calls, self.named(".murder-releases.json"), self.synced(self.target), self.named("v1"))
        self.assert_off_the_reactor(calls)

    def assert_off_the_reactor(self, calls):
        reactors = {call.thread for call in calls if call.name == "io_uring_enter"}
        self.assertTrue(reactors)
        first = next(index for index, call in enumerate(calls) if call.name == "io_uring_enter")
        blocked = [call for call in calls[first:] if call.name in SYNCS and call.thread in reactors]
        self.assertEqual(blocked, [], "the thread of a reactor waits for the disk")

    def test_what_is_replaced_goes_after_the_new_name_is_on_the_disk(self):
        torrent = self.create(self.make_tree(), "v1")
        (self.target / "v1").mkdir(parents=True)
        (self.target / "v1" / "old").write_text("old")
        calls, _ = self.trace_peer(torrent, "--unsafe-please-delete", also=("unlinkat",))
        self.assert_order(calls, (("syncfs",), r"\.v1\.murder-"), (NAMES, "RENAME_EXCHANGE"),
                          self.synced(self.target), (("unlinkat",), '"old"'))

    def test_a_file(self):
        torrent = self.create(self.make_file("app.bin", 500_000), "v1")
        self.target.mkdir(parents=True)
        calls, _ = self.trace_peer(torrent)
        self.assert_order(calls, (("fsync",), r"\.v1\.murder-\w+>"), self.named("v1"), self.synced(self.target))

    def test_an_archive_that_is_kept(self):
        torrent = self.create(self.make_tree(), "v1")
        calls, _ = self.trace(*self.peer_arguments(torrent, "--temp-path", self.temp_path, to=None),
                              also=("io_uring_enter",))
        self.assert_order(calls, (("syncfs",), r"v1\.tar\.zst>"), self.synced(self.temp_path))
        self.assert_off_the_reactor(calls)

    def test_no_sync(self):
        torrent = self.create(self.make_tree(), "v1")
        calls, _ = self.trace_peer(torrent, "--record", "--background", "--no-sync")
        self.assert_no_syncs(calls)

    def test_a_release_that_cannot_be_synced_is_not_put_in_place(self):
        torrent = self.create(self.make_tree(), "v1")
        for error, text in (("EIO", "Input/output error"), ("EDQUOT", "Disk quota exceeded")):
            with self.subTest(error):
                _, result = self.trace_peer(torrent, code=1, inject=f"syncfs:error={error}")
                self.assertIn(text, result.stderr)
                self.assertEqual(os.listdir(self.target), [])

    def test_a_release_whose_name_could_not_be_synced_is_there_for_the_next_attempt(self):
        torrent = self.create(self.make_tree(), "v1")
        self.target.mkdir(parents=True)
        calls, _ = self.trace_peer(torrent)
        sync = next(call for call in calls if call.name == "fsync" and f"{self.target}>" in call.text)
        of_thread = [call for call in calls if call.thread == sync.thread and call.name == "fsync"]
        shutil.rmtree(self.target / "v1")
        _, result = self.trace_peer(torrent, code=1, inject=f"fsync:error=ENOSPC:when={of_thread.index(sync) + 1}")
        self.assertIn("No space left on device", result.stderr)
        self.assertEqual(os.listdir(self.target), ["v1"])
        self.trace_peer(torrent)
        self.assert_same_tree(self.path("source"), self.target / "v1")

    def test_an_outcome_says_what_the_sync_said(self):
        torrent = self.create(self.make_tree(), "v1")
        self.trace_peer(torrent, "--background", inject="syncfs:error=EIO")
        outcome = json.loads(self.murder("wait", "v1", "--json", code=1).stdout)
        self.assertEqual(outcome["state"], "failed")
        self.assertIn("Input/output error", outcome["error"]["text"])


class Activate(DurabilityCase):
    def setUp(self):
        super().setUp()
        self.path("app", "v1").mkdir(parents=True)

    def test_the_link_is_on_the_disk_before_the_record(self):
        calls, _ = self.trace("activate", "v1", "--to", self.path("app"))
        self.assert_order(calls, (NAMES, r'"current"'), self.synced(self.path("app")),
                          (("fsync",), r"\.murder-releases\.json\.murder-\w+>"),
                          self.named(".murder-releases.json"), self.synced(self.path("app")))
        self.assertEqual(os.readlink(self.path("app", "current")), "v1")

    def test_no_sync(self):
        calls, _ = self.trace("activate", "v1", "--to", self.path("app"), "--no-sync")
        self.assert_no_syncs(calls)
        self.assertEqual(os.readlink(self.path("app", "current")), "v1")

    def test_a_sync_that_fails_is_told(self):
        _, result = self.trace("activate", "v1", "--to", self.path("app"), code=1, inject="fsync:error=EIO:when=1")
        self.assertIn("Input/output error", result.stderr)


if __name__ == "__main__":
    unittest.main()
