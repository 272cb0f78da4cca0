"""The rack itself: what the other tests rely on, and that nothing of it is left."""

import os
import pathlib
import signal
import subprocess
import unittest

from rack_case import RACK_TOOL, RackCase, reason_to_skip, wait_until
from rack_of_hosts import rack as racks


def traces(name, process_name=b"rack"):
    """Of a rack, anywhere on the machine; processes whose name begins so."""
    found = [str(path) for path in pathlib.Path("/run/netns").glob(f"rack-{name}-*")]
    directory = racks.base() / f"murder-rack-{name}"
    found += [str(directory)] if directory.exists() else []
    mounts = pathlib.Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    found += [line for line in mounts if f"{directory}/" in line]
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
            is_named = (entry / "comm").read_bytes().startswith(process_name)
        except OSError:
            continue
        if name.encode() in words and b"up" in words and is_named:
            found.append(f"process {entry.name}")
    return found


class RackWithHosts(RackCase):
    HOST_COUNT = 3
    RATE = "200mbit"

    def test_a_command_has_stdin_stdout_and_its_exit_status(self):
        process = self.start_on("h01", "sh", "-c", "cat; hostname >&2; exit 7", stdin=subprocess.PIPE)
        output, error = process.communicate("through", timeout=60)
        self.assertEqual((output, error, process.returncode), ("through", "h01\n", 7))
        self.assertEqual(self.on("h01", "sh", "-c", "kill -9 $$", code=None).returncode, 128 + 9)
        self.assertEqual(self.on("h01", "there-is-no-such-program", code=None).returncode, 127)

    def test_a_host_has_files_of_its_own_and_the_rest_read_only(self):
        places = "/tmp /srv /opt /root /run /var/lib"
        self.on("h01", "sh", "-c", f"for place in {places}; do echo here >$place/mine || exit 1; done")
        self.on("h02", "sh", "-c", f"for place in {places}; do ! [ -e $place/mine ] || exit 1; done")
        self.assertEqual((self.rack.files_of("h01") / "srv" / "mine").read_text(), "here\n")
        self.on("h01", "sh", "-c", "! touch /etc/mine && ! touch /usr/mine")
        self.assertFalse(pathlib.Path("/etc/mine").exists())
        self.assertEqual(self.on("h01", "stat", "-f", "-c", "%T", "/run").stdout, "tmpfs\n")

    def test_hosts_log_in_to_each_other_only_with_the_key_and_the_known_host_key(self):
        self.assertEqual(self.on("control", "ssh", "h02", "hostname").stdout, "h02\n")
        known = self.rack.directory / "ssh" / "known_hosts"
        lines = known.read_text()
        self.addCleanup(known.write_text, lines)
        keys = [line.split()[2] for line in lines.splitlines()]
        known.write_text(lines.replace(keys[0], keys[1]))
        refused = self.on("control", "ssh", "h01", "true", code=255)
        self.assertIn("Host key verification failed", refused.stderr)

    def test_a_host_sees_only_its_own_processes(self):
        sleeper = self.start_on("h01", "sleep", "60")
        self.addCleanup(self.finish, sleeper, None)
        self.addCleanup(sleeper.terminate)
        wait_until(lambda: self.process("h01", "^sleep 60"), "the process on h01")
        self.assertIn("sleep", self.on("h01", "sh", "-c", "cat /proc/[0-9]*/comm").stdout)
        self.assertNotIn("sleep", self.on("h02", "sh", "-c", "cat /proc/[0-9]*/comm").stdout)

    def test_every_link_is_shaped_on_both_ends(self):
        for host in [*self.hosts, "control"]:
            self.assertIn("rate 200Mbit", self.on(host, "tc", "qdisc", "show", "dev", "eth0").stdout)
            at_bridge = subprocess.run(
                ["tc", "-n", self.rack.network.switch, "qdisc", "show", "dev", host],
                capture_output=True, text=True, check=True).stdout
            self.assertIn("rate 200Mbit", at_bridge)

    def test_the_end_of_exec_is_the_end_of_the_command(self):
        process = self.start_on("h03", "sleep", "61")
        wait_until(lambda: self.process("h03", "^sleep 61"), "the process on h03")
        process.kill()
        self.finish(process, -9)
        wait_until(lambda: not self.process("h03", "^sleep 61"), "the end of the process on h03")


class RackThatGoes(unittest.TestCase):
    def setUp(self):
        reason = reason_to_skip()
        if reason:
            self.skipTest(reason)
        self.name = f"test{os.getpid()}_gone"
        self.addCleanup(self.rack, "down", code=None)

    def rack(self, *words, code=0):
        result = subprocess.run([RACK_TOOL, "--name", self.name, *words], capture_output=True, text=True,
                                timeout=120, check=False)
        if code is not None:
            self.assertEqual(result.returncode, code, result.stderr)
        return result

    def start_up(self, is_far_enough):
        process = subprocess.Popen([RACK_TOOL, "--name", self.name, "up", "6", "--sshd"],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(is_far_enough, "a rack that is half up")
        return process

    def has_host_files(self):
        return (racks.base() / f"murder-rack-{self.name}" / "hosts" / "h03").exists()

    def test_down_leaves_nothing_also_with_processes_and_mounts_on_the_hosts(self):
        self.rack("up", "2")
        self.rack("exec", "h01", "mount", "-t", "tmpfs", "none", "/srv")
        self.rack("exec", "h01", "sh", "-c", "setsid sleep 1000 >/dev/null 2>&1 &")
        self.rack("down")
        self.assertEqual(traces(self.name), [])

    def test_an_up_that_is_killed_leaves_what_down_finds(self):
        for is_far_enough in (
            lambda: pathlib.Path(f"/run/netns/rack-{self.name}-switch").exists(),
            lambda: pathlib.Path(f"/run/netns/rack-{self.name}-h05").exists(),
            self.has_host_files,
            lambda: any(word.startswith("process ") for word in traces(self.name, b"rack h02")),
        ):
            process = self.start_up(is_far_enough)
            process.kill()
            process.wait()
            self.assertNotEqual(traces(self.name), [])
            self.rack("down")
            self.assertEqual(traces(self.name), [])

    def test_an_up_that_is_told_to_end_leaves_nothing(self):
        process = self.start_up(self.has_host_files)
        process.send_signal(signal.SIGTERM)
        process.wait()
        self.assertEqual(traces(self.name), [])

    def test_an_up_that_fails_leaves_nothing(self):
        self.assertIn("is not a rate", self.rack("up", "2", "--rate", "fast", code=1).stderr)
        self.assertEqual(traces(self.name), [])

    def test_racks_do_not_collide(self):
        other = self.name + "2"
        self.addCleanup(subprocess.run, [RACK_TOOL, "--name", other, "down"], capture_output=True, check=False)
        self.rack("up", "2")
        subprocess.run([RACK_TOOL, "--name", other, "up", "2"], capture_output=True, check=True, timeout=120)
        self.assertNotEqual(racks.Rack(self.name).addresses["h01"], racks.Rack(other).addresses["h01"])
        self.rack("up", "2", code=1)
        subprocess.run([RACK_TOOL, "--name", other, "down"], capture_output=True, check=True, timeout=120)
        self.rack("exec", "h01", "true")


if __name__ == "__main__":
    unittest.main()
