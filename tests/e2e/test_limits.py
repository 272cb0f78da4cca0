"""Limits of the surroundings: memory and processes. The right word, no abort, nothing left."""

import contextlib
import os
import pathlib
import resource
import signal
import subprocess
import sys
import unittest

from harness import PROGRAM, MurderCase, free_address, least_address_space_kib, wait_until

MIB = 1024 * 1024
GROUPS = pathlib.Path("/sys/fs/cgroup")


# Takes rings of io_uring until the user's limit of locked memory is reached, then holds them.
TAKE_ALL_RINGS = """
import ctypes, sys
setup = ctypes.CDLL(None, use_errno=True).syscall
while setup(425, 1, ctypes.create_string_buffer(120)) >= 0:  # io_uring_setup
    pass
print("no more", flush=True)
sys.stdin.read()
"""


class LimitCase(MurderCase):
    def limited(self, *arguments, before=None, codes=(0, 1)):
        """Runs a command that may fail, but neither be killed nor call it an internal error."""
        result = subprocess.run([PROGRAM, *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                errors="replace", env=self.environment, timeout=120, check=False, preexec_fn=before)
        said = f"{' '.join(map(str, arguments))}\n{result.stdout}\n{result.stderr}"
        self.assertIn(result.returncode, codes, said)
        self.assertNotIn("internal error", said)
        self.assertNotIn("terminate", said)
        self.assertNotIn("ended without a result: see", said)
        if result.returncode != 0:
            self.assertNotEqual(result.stderr.strip(), "", said)
        return result

    def assert_nothing_is_left(self, *directories):
        for directory in directories:
            if directory.is_dir():
                self.assertEqual([name for name in os.listdir(directory) if ".murder-" in name], [], directory)

    def prepare(self):
        self.source = self.make_tree()
        self.torrent = self.create(self.source, "v1", tracker=self.start_tracker())
        self.seed(self.torrent)

    def steps(self):
        """Command lines of what reads, packs, fetches and unpacks, with the directories they write to."""
        packed = self.path("packed")
        return [
            (["info", self.torrent], []),
            (["verify", self.torrent, self.temp_path / "v1.tar.zst"], []),
            (["create", self.source, "--tag", "v1", "--temp-path", packed, "--force"], [packed]),
            (self.peer_arguments(self.torrent, "--unsafe-please-delete", "--give-up-after", "20s"),
             [self.path("host", "to"), self.path("host", "temp")]),
            (self.peer_arguments(self.torrent, "--unsafe-please-delete", "--give-up-after", "20s", "--seed-for", "100ms"),
             [self.path("host", "to"), self.path("host", "temp")]),
        ]


class ResourceLimits(LimitCase):
    @staticmethod
    def setting(name, value):
        return lambda: resource.setrlimit(name, (value, value))

    @staticmethod
    def as_user_with(name, value, user=65534):
        def enter():
            resource.setrlimit(name, (value, value))
            os.setgroups([])
            os.setgid(user)
            os.setuid(user)

        return enter

    @staticmethod
    def let_others_reach(place):
        for path in (place, *place.parents):
            if not os.stat(path).st_mode & 0o001:
                path.chmod(path.stat().st_mode | (0o011 if path.is_dir() else 0o044))

    def try_all(self, limit, values, step_count=5):
        """The first steps under every value: what was said where one failed."""
        self.prepare()
        said = []
        for value in values:
            for arguments, directories in self.steps()[:step_count]:
                with self.subTest(value=value, arguments=arguments):
                    result = self.limited(*arguments, before=self.setting(limit, value))
                    self.assert_nothing_is_left(*directories)
                    if result.returncode != 0:
                        said.append(result.stderr)
        self.assertNotEqual(said, [])
        return said

    def test_few_descriptors(self):
        for text in self.try_all(resource.RLIMIT_NOFILE, range(8, 31)):
            self.assertNotIn("File exists", text)
            self.assertRegex(text, "ulimit -n")

    def test_few_descriptors_for_several_shards(self):
        """The start of a node fails at each of its sockets, event loops and files in turn."""
        self.prepare()
        failures = set()
        for count in range(10, 61):
            arguments = self.peer_arguments(self.torrent, "--unsafe-please-delete", "--give-up-after", "20s", "--shards", 3)
            with self.subTest(count=count):
                result = self.limited(*arguments, before=self.setting(resource.RLIMIT_NOFILE, count))
                if result.returncode == 0:
                    break
                self.assertRegex(result.stderr, "ulimit -n")
                failures.add(result.stderr.strip().splitlines()[-1].split(":")[1])
        self.assertGreater(len(failures), 2, failures)
        self.assert_same_tree(self.source, self.path("host", "to", "v1"))

    def test_address_space(self):
        least = least_address_space_kib()
        kib = range(least, least + 80 * 1024, 4200)
        for text in self.try_all(resource.RLIMIT_AS, [1024 * each for each in kib]):
            self.assertRegex(text, "memory|ulimit -v")

    def test_address_space_before_main_begins(self):
        texts = set()
        for kib in range(7000, 20000, 50):
            limit = 1024 * kib
            result = subprocess.run(
                [PROGRAM, "--version"], check=False, capture_output=True, text=True, timeout=60,
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)))
            self.assertNotIn("terminate called", result.stderr, kib)
            self.assertNotEqual(result.returncode, -signal.SIGABRT, (kib, result.stderr))
            texts.add(result.stderr.strip().split(":")[0])
        self.assertIn("murder", texts)  # and not only the loader's

    def test_file_size(self):
        for text in self.try_all(resource.RLIMIT_FSIZE, (1000, 4096)):
            self.assertRegex(text, "file size limit")
            self.assertNotIn("too full", text)

    def unprivileged(self, user):
        """What makes a process of that user, with 64 KiB that may be locked, and the arguments of its peer."""
        self.prepare()
        place = self.path("unprivileged")
        place.mkdir()
        os.chown(place, user, user)
        self.let_others_reach(place)
        arguments = ["peer", self.torrent, "--to", place / "to", "--temp-path", place / "temp", "--run-dir", place / "run",
                     "--ip", free_address(), "--give-up-after", "20s", "--seed-for", "0"]
        return self.as_user_with(resource.RLIMIT_MEMLOCK, 64 * 1024, user), arguments, place

    @unittest.skipIf(os.geteuid() != 0, "another user's limits need root")
    def test_little_locked_memory(self):
        enter, arguments, place = self.unprivileged(61_235)  # the kernel counts by user: of no other test
        self.limited(*arguments, before=enter, codes=(0,))
        self.assert_same_tree(self.source, place / "to" / "v1")

    @unittest.skipIf(os.geteuid() != 0, "another user's limits need root")
    def test_little_locked_memory_of_which_ended_processes_still_hold_some(self):
        """The kernel takes rings apart some time after the end of their process, and counts their memory until then."""
        enter, arguments, place = self.unprivileged(61_236)
        with contextlib.ExitStack() as stack:
            holder = stack.enter_context(subprocess.Popen([sys.executable, "-c", TAKE_ALL_RINGS], stdin=subprocess.PIPE,
                                                          stdout=subprocess.PIPE, preexec_fn=enter))
            stack.callback(holder.kill)
            self.assertEqual(holder.stdout.readline(), b"no more\n")
            peer = stack.enter_context(subprocess.Popen(
                [PROGRAM, *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                env=self.environment, preexec_fn=enter))
            stack.callback(peer.kill)
            wchan = pathlib.Path(f"/proc/{peer.pid}/wchan")
            wait_until(lambda: peer.poll() is not None or "nanosleep" in wchan.read_text(encoding="ascii"), "a peer that waits")
            holder.kill()
            self.assertEqual(peer.wait(60), 0, peer.stdout.read())
        self.assert_same_tree(self.source, place / "to" / "v1")

    def test_little_stack(self):
        """A soft limit is raised, and threads do not take theirs from it."""
        self.prepare()
        hard = resource.getrlimit(resource.RLIMIT_STACK)[1]
        for kib in (64, 256, 900):
            for arguments, _ in self.steps():
                with self.subTest(kib=kib, arguments=arguments):
                    self.limited(*arguments, before=lambda soft=kib * 1024: resource.setrlimit(
                        resource.RLIMIT_STACK, (soft, hard)), codes=(0,))

    @unittest.skipIf(os.geteuid() != 0, "another user's limits need root")
    def test_little_stack_that_cannot_be_raised(self):
        self.prepare()
        self.let_others_reach(self.torrent)
        refused = self.limited("info", self.torrent, before=self.as_user_with(resource.RLIMIT_STACK, 128 * 1024),
                               codes=(1,))
        self.assertIn("the stack is limited to 128 KiB", refused.stderr)
        self.limited("info", self.torrent, before=self.as_user_with(resource.RLIMIT_STACK, 256 * 1024), codes=(0,))


@unittest.skipIf(os.geteuid() != 0, "control groups and mounts need root")
class Surroundings(LimitCase):
    @contextlib.contextmanager
    def group(self, controller, old_file, new_file, value):
        """A control group with a limit, of version 1 or 2; yields what enters it."""
        version_1 = (GROUPS / controller).is_dir()
        path = (GROUPS / controller if version_1 else GROUPS) / f"murder-test-{os.getpid()}-{value}"
        try:
            path.mkdir()
            (path / (old_file if version_1 else new_file)).write_text(str(value))
        except OSError as error:
            self.skipTest(f"no control group can be made: {error}")
        try:
            yield lambda: (path / "cgroup.procs").write_text(str(os.getpid()))
        finally:
            with contextlib.suppress(OSError):
                path.rmdir()

    def test_64_mib_of_memory_are_enough(self):
        source = self.make_file("source/data", 150 * MIB).parent
        with self.group("memory", "memory.limit_in_bytes", "memory.max", 64 * MIB) as enter:
            self.limited("create", source, "--tag", "v1", "--tracker", self.start_tracker(),
                         "--temp-path", self.temp_path, before=enter, codes=(0,))
            torrent = self.temp_path / "v1.tar.zst.torrent"
            self.limited("verify", torrent, self.temp_path / "v1.tar.zst", before=enter, codes=(0,))
            self.seed(torrent)
            self.limited(*self.peer_arguments(torrent), before=enter, codes=(0,))
            self.assert_same_tree(source, self.path("host", "to", "v1"))
            doctor = self.limited("doctor", "--temp-path", self.temp_path, before=enter).stdout
            self.assertRegex(doctor, r"memory +at most 64 MiB .*--memory is 16 MiB")

    def test_too_little_memory_to_pack_is_said_before_the_kernel_ends_it(self):
        source = self.make_file("source/data", 50 * MIB).parent
        create = ["create", source, "--tag", "v1", "--temp-path", self.temp_path]
        with self.group("memory", "memory.limit_in_bytes", "memory.max", 32 * MIB) as enter:
            self.assertIn("--format tar", self.limited(*create, before=enter, codes=(1,)).stderr)
            self.assert_nothing_is_left(self.temp_path)
            self.limited(*create, "--format", "tar", before=enter, codes=(0,))

    def test_few_processes(self):
        self.prepare()
        for count in range(1, 12, 2):
            with self.group("pids", "pids.max", "pids.max", count) as enter:
                for arguments, directories in self.steps():
                    with self.subTest(count=count, arguments=arguments):
                        result = self.limited(*arguments, before=enter)
                        self.assert_nothing_is_left(*directories)
                        if result.returncode == 1:
                            self.assertRegex(result.stderr, "pids.max|Resource temporarily unavailable")
