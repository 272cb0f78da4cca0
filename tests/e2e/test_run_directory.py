"""Where processes of a user find each other: in one place however a command is started, for as long as they live."""

import json
import os
import pathlib
import re
import shutil
import stat
import subprocess
import unittest

from harness import PROGRAM, MurderCase, free_address, is_alive, wait_until

USER = 61_234  # of nobody on this machine


class LostSocket(MurderCase):
    def test_processes_make_a_socket_again_that_was_removed(self):
        endpoint = self.start_tracker()
        torrent = self.create(self.make_tree(), "v1", tracker=endpoint)
        self.seed(torrent)
        waiting = self.start(*self.peer_arguments(self.create(self.make_file("f", 10), "v2", tracker=endpoint)))
        wait_until(lambda: len(self.processes()) == 3, "a tracker, a seeder and a peer")
        pids = {each["pid"] for each in self.processes()}
        for name in self.run_directory.glob("*.sock"):
            name.unlink()
        self.assertEqual(self.processes(), [])
        wait_until(lambda: {each["pid"] for each in self.processes()} == pids, "the sockets, made again")
        # The whole directory, as at the end of a session.
        shutil.rmtree(self.run_directory)
        wait_until(lambda: {each["pid"] for each in self.processes()} == pids, "the sockets, made again")
        self.murder("stop", "--all")
        self.assertFalse(any(map(is_alive, pids)))
        self.assertNotEqual(waiting.wait(), None)
        self.assertEqual(list(self.run_directory.glob("*.sock")), [])


@unittest.skipIf(os.geteuid() != 0, "a /run of its own needs root")
class Services(MurderCase):
    """Processes in the run directories that the units of the packages have, in a /run of this test alone."""

    def in_run(self, script):
        """A shell in it; prints of `murder`."""
        place = ("mount -t tmpfs tmpfs /run && mkdir -p /run/murder-tracker /run/murder-seed/v1 && chmod 700 /run/murder-tracker "
                 "/run/murder-seed/v1 && ")
        result = subprocess.run(
            ["unshare", "--mount", "--propagation", "private", "sh", "-ec", place + script],
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "MURDER": str(PROGRAM)}, capture_output=True, text=True,
            timeout=120, check=False)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        return result.stdout

    def start_services(self):
        tracker, seeder = f"{free_address()}:8998", free_address()
        self.torrent = self.create(self.make_tree(), "v1", tracker=tracker)
        return (f'"$MURDER" tracker --background --quiet --listen {tracker} --run-dir /run/murder-tracker; '
                f'"$MURDER" seed {self.torrent} --background --quiet --ip {seeder} --run-dir /run/murder-seed/v1; ')

    END = '; "$MURDER" stop --all --run-dir /run/murder-seed/v1; "$MURDER" stop --all --run-dir /run/murder-tracker'

    def test_root_sees_services_with_their_units(self):
        stdout = self.in_run(self.start_services() + '"$MURDER" status; "$MURDER" status --json; "$MURDER" status v1; '
                             '"$MURDER" status --run-dir /run/murder' + self.END)
        self.assertRegex(stdout, r"(?m)^tracker .* murder-tracker\.service$")
        self.assertEqual(len(re.findall(r"(?m)^seeder .* murder-seed@v1\.service$", stdout)), 2)
        told = json.loads(next(line for line in stdout.splitlines() if line.startswith("{")))
        self.assertEqual([each["unit"] for each in told["processes"]], ["murder-seed@v1.service", "murder-tracker.service"])
        self.assertIn("nothing runs here (looked in /run/murder)", stdout)

    def test_services_are_not_stopped_and_whoever_tries_is_told_how(self):
        stdout = self.in_run(self.start_services() + '"$MURDER" stop v1 2>&1 || true; "$MURDER" stop --all 2>&1 || true; '
                             '"$MURDER" status' + self.END)
        self.assertIn("`systemctl stop murder-seed@v1.service` ends it", stdout)
        self.assertRegex(stdout, r"(?m)^seeder ")
        self.assertRegex(stdout, r"(?m)^tracker ")

    def test_others_are_told_that_services_are_hidden(self):
        stdout = self.in_run("chown 1 /run/murder-tracker; "
                             f'setpriv --reuid {USER} --regid {USER} --clear-groups "$MURDER" status')
        self.assertIn("services are shown to root", stdout)


@unittest.skipIf(os.geteuid() != 0, "becoming another user needs root")
class AnotherUser(MurderCase):
    def setUp(self):
        super().setUp()
        self.directory.chmod(0o755)
        self.places = [pathlib.Path(f"/var/tmp/murder-{USER}"), pathlib.Path(f"/tmp/murder-{USER}")]
        self.remove_places()
        self.addCleanup(self.remove_places)
        shutil.copy(PROGRAM, self.path("murder"))
        self.session = self.path("session")
        self.session.mkdir()
        os.chown(self.session, USER, USER)
        self.bare = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}

    def remove_places(self):
        for place in self.places:
            shutil.rmtree(place, ignore_errors=True)

    def as_user(self, *arguments, code=0, environment=None, **options):
        result = subprocess.run([self.path("murder"), *map(str, arguments)], user=USER, group=USER, extra_groups=[],
                                env={**self.bare, **(environment or {})}, capture_output=True, text=True, timeout=60,
                                check=False, **options)
        if code is not None:
            self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        return result

    def start_tracker_as_user(self, environment=None):
        self.as_user("tracker", "--listen", f"{free_address()}:8998", "--background", environment=environment)
        self.addCleanup(lambda: self.as_user("stop", "--all", code=None, environment=environment))

    def test_a_process_is_found_from_every_kind_of_session(self):
        self.start_tracker_as_user({"XDG_RUNTIME_DIR": str(self.session), "HOME": str(self.session)})
        for environment in ({}, {"XDG_RUNTIME_DIR": "/nonexistent"}, {"HOME": "/root", "SUDO_USER": "root"}):
            self.assertIn("serving", self.as_user("status", environment=environment).stdout)
        place = self.places[0]
        self.assertEqual((place.stat().st_uid, stat.S_IMODE(place.stat().st_mode)), (USER, 0o700))
        self.as_user("stop", "--tracker")
        self.assertIn("nothing runs here", self.as_user("status").stdout)

    def test_a_place_of_somebody_else_is_refused(self):
        place = self.places[0]
        place.mkdir(0o700)
        self.assertIn("belongs to another user", self.as_user("status", code=1).stderr)
        place.rmdir()
        place.symlink_to(self.session)
        self.as_user("tracker", "--listen", f"{free_address()}:8998", "--background", code=1)
        self.assertEqual(list(self.session.iterdir()), [])
        place.unlink()
        place.mkdir(0o700)
        os.chown(place, USER, USER)
        place.chmod(0o770)
        self.assertIn("open to others", self.as_user("status", code=1).stderr)

    def test_processes_of_an_older_version_are_found(self):
        older = self.session / "murder"
        self.as_user("tracker", "--listen", f"{free_address()}:8998", "--background", "--run-dir", older)
        self.addCleanup(lambda: self.as_user("stop", "--all", "--run-dir", older, code=None))
        session = {"XDG_RUNTIME_DIR": str(self.session)}
        self.assertIn("serving", self.as_user("status", environment=session).stdout)
        self.as_user("stop", "--tracker", environment=session)
        self.assertEqual(list(older.glob("*.sock")), [])

    def test_a_directory_that_cannot_be_entered_is_no_matter_where_no_relative_path_is_used(self):
        locked = self.path("locked")
        locked.mkdir(0o700)
        shared = self.path("shared")
        shared.mkdir()
        os.chown(shared, USER, USER)
        source = self.make_file("release", 100_000)
        endpoint = self.start_tracker()
        self.as_user("create", source, "--tag", "v1", "--tracker", endpoint, "--temp-path", shared, cwd=locked)
        torrent = shared / "v1.torrent"
        self.as_user("info", torrent, cwd=locked)
        self.as_user("verify", torrent, shared / "v1", cwd=locked)
        self.as_user("seed", torrent, "--background", "--ip", free_address(), cwd=locked)
        self.addCleanup(lambda: self.as_user("stop", "--all", code=None))
        self.as_user("peer", torrent, "--to", shared / "to", "--to-is-directory", "--temp-path", shared / "temp",
                     "--ip", free_address(), "--seed-for", "0", cwd=locked)
        self.assertEqual((shared / "to" / "v1").read_bytes(), source.read_bytes())
        self.as_user("releases", "--to", shared / "to", cwd=locked)
        self.as_user("status", cwd=locked)
        self.as_user("doctor", "--temp-path", shared, cwd=locked, code=None)
        self.assertIn("no host", self.as_user("fleet", "hosts", cwd=locked, code=None).stderr)
        # A relative path names what cannot be reached.
        self.assertIn("Permission denied", self.as_user("info", "v1.torrent", cwd=locked, code=1).stderr)
        self.as_user("stop", "--all", cwd=locked)
