"""--metrics-file: what peers, seeders and trackers write for node-exporter's textfile collector."""

import os
import pathlib
import re
import stat
import unittest

from harness import MurderCase, free_address, wait_until


def samples(text):
    """name{labels} -> value, of the text format."""
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            found[name] = float(value)
    return found


class MetricsFile(MurderCase):
    def value(self, path, name, **labels):
        """Of the one sample of this name that has these labels."""
        found = [
            value for sample, value in samples(pathlib.Path(path).read_text(encoding="utf-8")).items()
            if re.split("[{ ]", sample)[0] == name
            and all(f'{label}="{wanted}"' in sample for label, wanted in labels.items())]
        self.assertEqual(len(found), 1, f"{name} {labels}: {found}")
        return found[0]

    def release(self, size=3_000_000):
        self.tracker = self.start_tracker("--metrics-file", self.path("tracker.prom"))
        self.content = self.make_file("content", size)
        return self.create(self.content, "v42", tracker=self.tracker)

    def test_a_seeder_and_a_peer_tell_the_same_transfer(self):
        torrent = self.release()
        self.seed(torrent, "--metrics-file", self.path("seeder.prom"))
        outcome = self.peer_json(torrent, "--metrics-file", self.path("peer.prom"), preexec_fn=lambda: os.umask(0o077))
        wait_until(lambda: not [each for each in self.processes() if each["kind"] == "peer"], "the peer's end")
        peer, seeder = self.path("peer.prom"), self.path("seeder.prom")
        self.assertEqual(stat.S_IMODE(peer.stat().st_mode), 0o644)
        self.assertIn(f'tag="v42",info_hash="{outcome["info_hash"]}"', peer.read_text())
        for state in ("starting", "verifying", "downloading", "seeding", "stopping", "done", "failed"):
            self.assertEqual(self.value(peer, "murder_peer_state", state=state), state == "done", state)
        self.assertEqual(self.value(peer, "murder_peer_verified_bytes"), 3_000_000)
        self.assertEqual(self.value(peer, "murder_peer_pieces", state="missing"), 0)
        self.assertGreaterEqual(self.value(peer, "murder_peer_received_bytes_total", kind="wanted"), 3_000_000)
        self.assertEqual(self.value(peer, "murder_peer_hash_failures_total"), 0)
        self.assertGreater(self.value(peer, "murder_peer_stage_seconds", stage="downloading"), 0)
        self.assertNotIn("murder_peer_failure", peer.read_text())
        # At the end it tells what it told `murder status` before, however it is ended.
        self.murder("stop", "v42")
        self.assertEqual(self.value(seeder, "murder_peer_state", role="seeder", state="done"), 1)
        sent = sum(value for name, value in samples(seeder.read_text()).items() if "sent_bytes_total" in name)
        self.assertGreaterEqual(sent, 3_000_000)
        self.assertEqual(self.value(seeder, "murder_peer_trackers", state="working"), 1)
        # So does a tracker.
        self.murder("stop", "--tracker")
        tracker = self.path("tracker.prom")
        self.assertEqual(self.value(tracker, "murder_release_hosts", tag="v42", state="done"), 1)
        self.assertEqual([name for name in os.listdir(self.directory) if name.startswith(".")], [])

    def test_a_peer_that_fails_says_why(self):
        torrent = self.release()
        self.murder("stop", "--tracker")
        self.peer(torrent, "--give-up-after", "1s", "--metrics-file", self.path("peer.prom"), code=1)
        self.assertEqual(self.value(self.path("peer.prom"), "murder_peer_failure", reason="timeout"), 1)
        self.assertEqual(self.value(self.path("peer.prom"), "murder_peer_state", state="failed"), 1)

    def test_a_peer_that_fails_before_it_begins_says_why_too(self):
        torrent = self.release()
        self.path("host", "to", "v42").mkdir(parents=True)
        self.path("host", "to", "v42", "file").write_text("somebody's")
        self.peer(torrent, "--to-is-directory", "--metrics-file", self.path("peer.prom"), code=1)
        self.assertEqual(self.value(self.path("peer.prom"), "murder_peer_state", state="failed"), 1)
        self.assertEqual(self.value(self.path("peer.prom"), "murder_peer_verified_bytes"), 0)

    def test_a_peer_that_finds_its_release_in_place_says_that_it_is_done(self):
        torrent = self.create(self.make_tree(), "v42", tracker=self.start_tracker())
        self.seed(torrent)
        size = self.peer_json(torrent, "--record")["total_bytes"]
        peer = self.path("peer.prom")
        for words in (("--record",), ("--background",)):
            self.peer(torrent, "--metrics-file", peer, *words)
            self.assertEqual(self.value(peer, "murder_peer_state", state="done"), 1)
            self.assertEqual(self.value(peer, "murder_peer_verified_bytes"), size)
            self.assertEqual(self.value(peer, "murder_peer_resumed_bytes"), size)
            self.assertEqual(self.value(peer, "murder_peer_pieces", state="missing"), 0)
            self.assertEqual(self.value(peer, "murder_peer_received_bytes_total", kind="wanted"), 0)
            self.assertNotIn("murder_peer_failure", peer.read_text())
            peer.unlink()

    def test_a_background_peer_that_is_stopped_early_is_not_done(self):
        torrent = self.release()
        self.peer(torrent, "--background", "--metrics-file", self.path("peer.prom"))
        self.murder("stop", "v42", "--peering")
        self.assertEqual(self.value(self.path("peer.prom"), "murder_peer_failure", reason="interrupted"), 1)

    def test_a_seeder_whose_port_is_taken_says_that_it_failed(self):
        torrent = self.release()
        listen = self.seed(torrent)
        address, port = listen.rsplit(":", 1)
        self.murder("seed", torrent, "--ip", address, "--peer-port", port, "--metrics-file", self.path("other.prom"), code=1)
        self.assertEqual(self.value(self.path("other.prom"), "murder_peer_state", state="failed"), 1)

    def test_a_file_that_cannot_be_written_is_told_once_and_ends_nothing(self):
        torrent = self.release()
        self.seed(torrent, "--metrics-file", self.path("missing", "seeder.prom"))
        result = self.peer(torrent, "--metrics-file", "/dev/null")
        self.assertEqual(result.stderr.count("/dev/null is not a regular file"), 1, result.stderr)
        self.assertTrue(stat.S_ISCHR(os.stat("/dev/null").st_mode))
        self.assertTrue(self.path("host", "to").exists())
        self.murder("stop", "v42")
        log = (self.run_directory / "seed-v42.log").read_text()
        self.assertEqual(log.count("seeder.prom"), 1, log)

    def test_a_path_is_of_the_directory_where_the_command_was_given(self):
        torrent = self.release()
        self.murder(
            "seed", torrent, "--background", "--ip", free_address(), "--metrics-file", "here.prom", cwd=self.directory)
        wait_until(self.path("here.prom").exists, "the file")
        self.assertIn('role="seeder"', self.path("here.prom").read_text())


if __name__ == "__main__":
    unittest.main()
