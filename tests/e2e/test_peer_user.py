"""`murder peer --user`: the network runs as a user, and only a helper keeps the rights of root, to place the release."""

import json
import os
import pathlib
import pwd
import random
import signal
import stat
import subprocess
import time
import unittest

from harness import PROGRAM, MurderCase, is_alive, wait_until
from torrents import Torrent

USER = "nobody"
HELPER_NAME = "murder-root"


def status_of(pid):
    try:
        lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return {}
    return {line.split(":")[0]: line.split(":", 1)[1].strip() for line in lines if ":" in line}


def helpers_of(pid):
    """The pids of what this process has started to place files."""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        status = status_of(entry.name)
        if status.get("Name") == HELPER_NAME and status.get("PPid") == str(pid) and is_alive(int(entry.name)):
            found.append(int(entry.name))
    return found


@unittest.skipIf(os.geteuid() != 0, "changing the user needs root")
class PeerUser(MurderCase):
    def setUp(self):
        super().setUp()
        self.user = pwd.getpwnam(USER)
        self.directory.chmod(0o711)
        self.environment["MURDER_RUN_DIR"] = str(self.run_directory)
        self.to = self.path("srv")

    def arguments(self, torrent, *arguments):
        return self.peer_arguments(torrent, "--user", USER, "--temp-path", self.path("temp-of-user"), "--to", self.to,
                                   "--keep-setid", *arguments, to=None)

    def prepare(self, *arguments):
        self.source = self.make_tree()
        (self.source / "run.sh").chmod(0o4755)
        torrent = self.create(self.source, "v1", tracker=self.start_tracker())
        self.seed(torrent, *arguments)
        return torrent

    def peer_arguments(self, torrent, *arguments, name="host", to="to"):
        words = super().peer_arguments(torrent, *arguments, name=name, to=to)
        if to is None:
            words.remove("--no-unpack")
        return words

    def assert_nothing_runs(self, pids):
        wait_until(lambda: not any(is_alive(pid) for pid in pids), f"the end of {pids}")

    def assert_owned_by(self, path, uid):
        wrong = [str(each) for each in [path, *path.rglob("*")] if os.lstat(each).st_uid != uid]
        self.assertEqual(wrong, [])

    def test_the_network_is_the_users_and_the_release_is_roots(self):
        torrent = self.prepare("--upload-limit", "2MB")
        peer = self.start(*self.arguments(torrent, "--record"))
        [helper] = wait_until(lambda: helpers_of(peer.pid) or (peer.process.poll() is not None and [None]), "the helper")
        self.assertIsNotNone(helper, peer.error)
        wait_until(lambda: status_of(peer.pid).get("Uid", "").split() == [str(self.user.pw_uid)] * 4, "the user's process")
        own = status_of(peer.pid)
        self.assertEqual(own["Gid"].split(), [str(self.user.pw_gid)] * 4)
        self.assertNotIn("0", own["Groups"].split())
        self.assertEqual(int(own["CapPrm"], 16), 0)
        self.assertEqual(int(own["CapEff"], 16), 0)
        self.assertEqual(own["NoNewPrivs"], "1")
        for task in pathlib.Path(f"/proc/{peer.pid}/task").glob("*"):
            self.assertEqual(status_of(f"{peer.pid}/task/{task.name}").get("Uid", "").split()[:1], [str(self.user.pw_uid)])
        self.assertEqual(status_of(helper)["Uid"].split(), ["0"] * 4)
        self.assertEqual(peer.wait(), 0, peer.error)
        self.assert_same_tree(self.source, self.to / "v1")
        self.assert_owned_by(self.to / "v1", 0)
        self.assertTrue((self.to / "v1" / "run.sh").stat().st_mode & stat.S_ISUID)
        self.assertEqual(self.path("temp-of-user").stat().st_uid, self.user.pw_uid)
        self.assertEqual(self.path("temp-of-user", "v1.tar.zst").stat().st_uid, self.user.pw_uid)
        self.assertIn("v1", self.murder("releases", "--to", self.to).stdout)
        self.assert_nothing_runs([helper])
        self.assertEqual([name for name in os.listdir(self.run_directory) if name.startswith(f"{peer.pid}.")], [])

    def test_in_the_background(self):
        torrent = self.prepare()
        begun = json.loads(self.murder(*self.arguments(torrent, "--background", "--owner", "1234:1234", "--seed-for", "1h", "--json")).stdout)
        outcome = self.murder_json("wait", "v1")
        self.assertEqual((outcome["state"], outcome["pid"]), ("done", begun["pid"]))
        self.assertEqual(status_of(begun["pid"])["Uid"].split()[0], str(self.user.pw_uid))
        self.assert_same_tree(self.source, self.to / "v1")
        self.assert_owned_by(self.to / "v1", 1234)
        # Root sees it, it still serves, and ends when it is asked to.
        process = self.process_of_kind("peer")
        self.assertEqual((process["pid"], process["phase"]), (begun["pid"], "seeding"))
        helpers = helpers_of(begun["pid"])
        self.assertEqual(len(helpers), 1)
        self.murder("stop", "v1", "--peering")
        self.assert_nothing_runs([begun["pid"], *helpers])
        self.assertEqual(sorted(name for name in os.listdir(self.run_directory) if name.startswith("peer")), ["peer-v1.outcome"])
        # Again: it is there.
        again = json.loads(self.murder(*self.arguments(torrent, "--background", "--json")).stdout)
        self.assertEqual(again["already_there"], True)
        self.assertTrue(self.path("temp-of-user", "v1.tar.zst").exists())
        self.murder("clean", "v1", "--stop", "--temp-path", self.path("temp-of-user"))
        self.assertEqual(os.listdir(self.path("temp-of-user")), [])

    def test_a_failure_is_the_outcome(self):
        torrent = self.create(self.make_tree(), "v1", tracker=self.start_tracker())
        result = self.murder(*self.arguments(torrent, "--background", "--follow", "--give-up-after", "1s"), code=1)
        self.assertIn("no data received for 1", result.stderr)
        self.assertEqual(self.murder_json("wait", "v1", code=1)["state"], "failed")
        self.assertEqual([name for name in os.listdir(self.to) if "murder" in name] if self.to.exists() else [], [])

    def test_files_and_trees_of_torrents_made_elsewhere(self):
        content = random.Random(5).randbytes(700_000)
        temp_path = self.path("temp-of-user")
        (temp_path / "tree" / "a").mkdir(parents=True)
        (temp_path / "data.bin").write_bytes(content)
        (temp_path / "tree" / "a" / "b").write_bytes(content)
        (temp_path / "tree" / "c").write_bytes(b"c")
        file = Torrent("data.bin", content)
        tree = Torrent("tree", content + b"c")
        del tree.info["length"]
        tree.info["files"] = [{"path": ["a", "b"], "length": len(content)}, {"path": ["c"], "length": 1}]
        for each in [temp_path, *temp_path.rglob("*")]:
            os.chown(each, self.user.pw_uid, self.user.pw_gid)
        self.to.mkdir()
        for torrent, placed in ((file, "data.bin"), (tree, "tree/a/b")):
            with self.subTest(placed):
                self.murder(*self.arguments(torrent.write(self.directory)))
                self.assertEqual((self.to / placed).read_bytes(), content)
        self.assert_owned_by(self.to, 0)

    def test_a_peer_that_is_killed_leaves_no_helper_and_no_half_tree(self):
        torrent = self.prepare("--upload-limit", "3MB")
        random_numbers = random.Random(os.getpid())
        for attempt in range(6):
            peer = self.start(*self.arguments(torrent))
            helpers = wait_until(lambda: helpers_of(peer.pid) or (peer.process.poll() is not None and ["ended"]), "the helper")
            self.assertNotEqual(helpers, ["ended"], peer.error)
            time.sleep(random_numbers.uniform(0, 0.3))
            peer.signal(signal.SIGKILL)
            peer.wait()
            self.assert_nothing_runs(helpers)
            if self.to.exists():
                self.assertEqual([name for name in os.listdir(self.to) if name.startswith(".v1.")], [], attempt)
            self.assertEqual([name for name in os.listdir(self.run_directory) if name.startswith(f"{peer.pid}.")], [])
        self.murder(*self.arguments(torrent))
        self.assert_same_tree(self.source, self.to / "v1")

    def test_a_helper_that_is_killed_is_an_error_that_says_so(self):
        torrent = self.prepare("--upload-limit", "1MB")
        peer = self.start(*self.arguments(torrent))
        helpers = wait_until(lambda: helpers_of(peer.pid) or (peer.process.poll() is not None and ["ended"]), "the helper")
        wait_until(lambda: self.to.exists() and os.listdir(self.to), "the hidden tree")
        os.kill(helpers[0], signal.SIGKILL)
        self.assertEqual(peer.wait(), 1, peer.error)
        self.assertRegex(peer.error, "process that places files .*was killed")
        self.murder(*self.arguments(torrent))
        self.assert_same_tree(self.source, self.to / "v1")
        self.assert_no_leftovers(self.to)

    def test_an_interrupt_of_the_whole_group_ends_both(self):
        torrent = self.prepare("--upload-limit", "1MB")
        peer = self.start(*self.arguments(torrent), start_new_session=True)
        helpers = wait_until(lambda: helpers_of(peer.pid) or (peer.process.poll() is not None and ["ended"]), "the helper")
        wait_until(lambda: self.to.exists() and os.listdir(self.to), "the hidden tree")
        os.killpg(peer.pid, signal.SIGINT)
        self.assertEqual(peer.wait(), 1, peer.error)
        self.assertIn("interrupted", peer.error)
        self.assert_nothing_runs(helpers)
        self.assertEqual(os.listdir(self.to), [])

    def test_only_the_archive_is_fetched(self):
        torrent = self.prepare()
        self.murder("peer", torrent, "--no-unpack", "--user", USER, "--temp-path", self.path("temp-of-user"), "--seed-for", "0")
        self.assertEqual(self.path("temp-of-user", "v1.tar.zst").stat().st_uid, self.user.pw_uid)

    def test_a_target_the_user_could_not_write_and_a_directory_of_archives_he_cannot(self):
        torrent = self.prepare()
        self.path("closed").mkdir(mode=0o700)
        arguments = self.peer_arguments(torrent, "--user", USER, "--temp-path", self.path("closed"), "--to", self.to, to=None)
        self.assertRegex(self.murder(*arguments, code=1).stderr, r"cannot write .*closed.*--temp-path.*Permission denied")
        self.to.mkdir(mode=0o700)
        self.murder(*self.arguments(torrent))
        self.assert_same_tree(self.source, self.to / "v1")

    def test_wrong_usage(self):
        torrent = self.create(self.make_tree(), "v1")
        for user in ("no-such-user", "nobody:no-such-group", "root", "0:0", ":1234", "4000000000"):
            with self.subTest(user):
                arguments = self.peer_arguments(torrent, "--user", user, "--to", self.to, to=None)
                self.assertIn(user, self.murder(*arguments, code=2).stderr)
        self.directory.chmod(0o755)
        pathlib.Path(torrent).chmod(0o644)
        self.temp_path.chmod(0o755)
        prefix = ["setpriv", f"--reuid={self.user.pw_uid}", f"--regid={self.user.pw_gid}", "--clear-groups"]
        if subprocess.run([*prefix, PROGRAM, "--version"], capture_output=True, check=False).returncode != 0:
            self.skipTest("another user cannot run the program where it lies")
        result = subprocess.run([*prefix, PROGRAM, *self.arguments(torrent)], env=self.environment, capture_output=True, text=True,
                                timeout=60, check=False)
        self.assertEqual(result.returncode, 1)
        self.assertIn("--user needs root", result.stderr)


if __name__ == "__main__":
    unittest.main()
