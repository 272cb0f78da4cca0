"""A torrent with more files than are kept open: they are opened and closed while it is served and fetched."""

import os
import subprocess
import unittest

from harness import PROGRAM, MurderCase, free_address, wait_until
from test_durability import parse, strace_works
from torrents import Torrent

FILES = 400


@unittest.skipUnless(strace_works(), "needs strace, which must be allowed to trace")
class ManyFiles(MurderCase):
    def start_traced(self, name, *arguments):
        trace = self.path(f"trace-{name}")
        command = ["strace", "-f", "-y", "-s", "300", "-o", str(trace),
                   "-e", "trace=open,openat,openat2,io_uring_enter", PROGRAM, *map(str, arguments)]
        return trace, subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, text=True, env=self.environment)

    def opens_of_reactors(self, trace, content):
        calls = parse(trace.read_text(errors="replace"))
        reactors = {call.thread for call in calls if call.name == "io_uring_enter"}
        self.assertTrue(reactors)
        # What a reactor opens before it is first waited for is its start.
        first = {thread: next(index for index, call in enumerate(calls)
                              if call.thread == thread and call.name == "io_uring_enter") for thread in reactors}
        return [call for index, call in enumerate(calls)
                if call.name.startswith("open") and call.thread in reactors and index > first[call.thread]
                and str(content) in call.text]

    def test_no_reactor_opens_a_file(self):
        tracker = self.start_tracker()
        part = os.urandom(20_000)
        names = [[f"dir{number % 7}", f"file{number}"] for number in range(FILES)]
        torrent = Torrent("many", part * FILES, 16384, [f"http://{tracker}/announce"])
        del torrent.info["length"]
        torrent.info["files"] = [{"length": len(part), "path": name} for name in names]
        path = torrent.write(self.directory)
        served = self.path("served", "many")
        for directory, name in names:
            (served / directory).mkdir(parents=True, exist_ok=True)
            (served / directory / name).write_bytes(part)
        trace, seeder = self.start_traced("seed", "seed", path, served, "--ip", free_address(), "--end-when-idle", "3s")
        try:
            wait_until(lambda: self.process_of_kind("seeder"), "the seeder")
            report = self.peer_json(path)
            self.assertEqual(report["failed_pieces"], 0)
        finally:
            for process in self.processes():
                if process["kind"] == "seeder":
                    self.murder("stop", "many", "--seeding")
            seeder.communicate(timeout=30)
        self.assert_same_tree(served, self.path("host", "to", "many"), "--without-times")
        self.assertEqual(self.opens_of_reactors(trace, served), [])


if __name__ == "__main__":
    unittest.main()
