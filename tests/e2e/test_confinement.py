"""The thread that unpacks is held by the kernel: a system call filter, no new privileges, and one directory."""

import os
import pathlib
import unittest

from harness import MurderCase, wait_until

TASK_NAME = "murder-unpack"


def status_of(task):
    """Of a task of /proc: its lines by name; none when it has just ended."""
    try:
        lines = (task / "status").read_text().splitlines()
    except OSError:
        return {}
    return {line.split(":")[0]: line.split(":", 1)[1].strip() for line in lines if ":" in line}


def tasks_of(pid):
    return [status_of(task) for task in pathlib.Path(f"/proc/{pid}/task").glob("*")]


class Confinement(MurderCase):
    def doctor(self):
        return {each["name"]: each for each in self.murder_json("doctor", "--temp-path", self.temp_path, code=None)["checks"]}

    def test_doctor_says_what_there_is(self):
        checks = self.doctor()
        self.assertIn(checks["landlock"]["grade"], ("ok", "could be better"))
        self.assertIn(checks["seccomp"]["grade"], ("ok", "could be better"))
        for name in ("landlock", "seccomp"):
            self.assertNotIn("\n", checks[name]["text"])
            self.assertEqual(checks[name]["grade"] == "ok", checks[name]["mend"] == "")

    def test_the_unpacking_thread_and_no_other_is_confined_while_the_archive_comes(self):
        if self.doctor()["seccomp"]["grade"] != "ok":
            self.skipTest("this kernel has no system call filters")
        source = self.make_tree()
        self.make_file("source/more", 6_000_000, seed=2)
        torrent = self.create(source, "v1", tracker=self.start_tracker())
        self.seed(torrent)
        peer = self.start(*self.peer_arguments(torrent, "--download-limit", "2MB"))
        before = status_of(pathlib.Path("/proc/self"))["Seccomp"]

        def confined():
            return [each for each in tasks_of(peer.pid) if each.get("Name") == TASK_NAME and each["Seccomp"] == "2"]

        threads = wait_until(lambda: confined() or peer.process.poll() is not None, "the unpacking thread")
        self.assertNotEqual(threads, True, peer.error)
        self.assertEqual(len(threads), 1)
        self.assertEqual(threads[0]["NoNewPrivs"], "1")
        others = [each for each in tasks_of(peer.pid) if each and each.get("Name") != TASK_NAME]
        self.assertGreaterEqual(len(others), 1)
        self.assertEqual({each["Seccomp"] for each in others}, {before})
        self.assertEqual(peer.wait(), 0, peer.error)
        self.assert_same_tree(source, self.path("host", "to", "v1"))

    def test_everything_that_a_tree_may_hold_arrives(self):
        source = self.make_tree()
        with open(source / "sparse", "wb") as file:
            file.truncate(50_000_000)
            file.seek(30_000_000)
            file.write(b"data")
        os.utime(source / "run.sh", ns=(0, 1_234_567_890_123_456_789))
        (source / "lib").chmod(0o750)
        for index in range(300):  # deeper than what is kept open, and linked across directories
            directory = source / f"many/{index % 17}/{index}"
            directory.mkdir(parents=True)
            os.link(source / "run.sh", directory / "link")
            (directory / "symbolic").symlink_to("../../nowhere")
        try:
            os.setxattr(source / "run.sh", "user.origin", b"\0value")
            os.setxattr(source / "lib", "user.origin", b"directory")
            has_attributes = True
        except OSError:
            has_attributes = False
        if os.geteuid() == 0:
            os.setxattr(source / "dangling", "trusted.link", b"link", follow_symlinks=False)
        torrent = self.create(source, "v1", "--xattrs", tracker=self.start_tracker())
        self.seed(torrent)
        owner = ["--owner", "65534:65534"] if os.geteuid() == 0 else []
        result = self.peer_json(torrent, "--xattrs", *owner)
        self.assertEqual(result["warnings"], [])
        to = self.path("host", "to", "v1")
        self.assert_same_tree(source, to)
        self.assertLess((to / "sparse").stat().st_blocks * 512, 1_000_000)
        self.assertEqual((to / "run.sh").stat().st_mtime_ns, 1_234_567_890_123_456_789)
        self.assertEqual((to / "run.sh").stat().st_nlink, 302)
        if has_attributes:
            self.assertEqual(os.getxattr(to / "run.sh", "user.origin"), b"\0value")
            self.assertEqual(os.getxattr(to / "lib", "user.origin"), b"directory")
        if os.geteuid() == 0:
            self.assertEqual(os.getxattr(to / "dangling", "trusted.link", follow_symlinks=False), b"link")
            self.assertEqual({os.lstat(path).st_uid for path in to.rglob("*")}, {65534})
        self.murder("verify", torrent, self.temp_path / "v1.tar.zst")


if __name__ == "__main__":
    unittest.main()
