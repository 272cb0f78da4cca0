"""Transmission as the one who dials. It does so only to addresses outside 127.0.0.0/8, so this test
has a network of its own, with an address for the test alone on its loopback interface."""

import os
import pathlib
import shutil
import subprocess
import sys
import unittest

import matrix
from clients import Transmission
from interop_case import InteropCase
from matrix import cell

tearDownModule = matrix.module_hook()

DOWNLOADS, _, ANNOUNCES, _ = matrix.CLIENT_COLUMNS
SECONDS_MAX = 90


class TransmissionThatDials(InteropCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.row = f"{Transmission.row()}, dials, prefers encryption"
        matrix.clients.expect(cls.row, (DOWNLOADS, ANNOUNCES))

    def namespace_command(self):
        """What runs a command in a network namespace of its own; skips where that is forbidden."""
        if not shutil.which("unshare") or not shutil.which("ip"):
            self.skipTest("unshare or ip is not installed")
        command = ["unshare", "--net", *([] if os.geteuid() == 0 else ["--map-root-user"])]
        tried = subprocess.run([*command, "ip", "link", "set", "lo", "up"], capture_output=True,
                               text=True, timeout=20, check=False)
        if tried.returncode != 0:
            self.skipTest("no network namespaces here")
        return command

    def test_in_a_network_of_its_own(self):
        with cell(matrix.clients, self.row, DOWNLOADS, ANNOUNCES):
            self.need(Transmission)
            script = pathlib.Path(__file__).with_name("dialing_transmission.py")
            result = subprocess.run(
                [*self.namespace_command(), sys.executable, str(script)], capture_output=True,
                text=True, timeout=SECONDS_MAX, check=False)
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)


if __name__ == "__main__":
    unittest.main()
