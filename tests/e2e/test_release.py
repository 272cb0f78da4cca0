"""A release from a directory or a file to its peers: the commands as people use them."""

import contextlib
import http.server
import json
import os
import re
import signal
import socket
import subprocess
import threading
import unittest

from harness import PROGRAM, MurderCase, free_address, free_port, is_alive, wait_until
from torrents import bdecode


class Directory(MurderCase):
    def test_the_walk_through(self):
        source = self.make_tree()
        tracker = self.start_tracker()
        torrent = self.create(source, "v1", tracker=tracker)
        self.assertEqual(torrent, self.temp_path / "v1.tar.zst.torrent")
        self.assertIn(f"http://{tracker}/announce", self.murder("info", torrent).stdout)
        self.murder("verify", torrent, self.temp_path / "v1.tar.zst")
        seeder = self.seed(torrent)
        self.assertEqual(self.process_of_kind("seeder")["address"], seeder)

        self.assertIn("v1 is in", self.peer(torrent, "--seed-for", "60s").stdout)
        self.assert_same_tree(source, self.path("host", "to", "v1"))
        self.assert_no_leftovers(self.path("host", "to"))
        self.murder("verify", torrent, self.path("host", "temp", "v1.tar.zst"))
        self.assertEqual(self.process_of_kind("peer")["phase"], "seeding")
        # The second host has it from both.
        self.assertGreater(self.peer_json(torrent, name="second")["fetched_bytes"], 3_000_000)
        self.assert_same_tree(source, self.path("second", "to", "v1"))

        self.assertIn("peer", self.murder("stop", "v1", "--peering").stdout)
        self.assertEqual({each["kind"] for each in self.processes()}, {"tracker", "seeder"})
        self.assertIn("seeder", self.murder("stop", "v1").stdout)
        self.murder("stop", "--tracker")
        self.assertEqual(self.processes(), [])

    def test_each_format_arrives_as_it_was(self):
        source = self.make_tree()
        for name in ("tar.zst", "tar.gz", "tar"):
            with self.subTest(format=name):
                tag = name.replace(".", "")
                torrent = self.create(source, tag, "--format", name)
                self.assertEqual(torrent.name, f"{tag}.{name}.torrent")
                self.peer(torrent, "--temp-path", self.temp_path)
                self.assert_same_tree(source, self.path("host", "to", tag))

    def test_the_same_tree_makes_the_same_bytes(self):
        source = self.make_tree()
        first = self.create(source, "v1").read_bytes()
        self.assertEqual(bdecode(self.create(source, "v1", "--force").read_bytes())[b"info"],
                         bdecode(first)[b"info"])

    def test_an_archive_that_is_there_is_replaced_only_with_force(self):
        source = self.make_tree()
        self.create(source, "v1")
        result = self.murder("create", source, "--tag", "v1", "--temp-path", self.temp_path, code=1)
        self.assertIn("--force", result.stderr)
        self.create(source, "v1", "--force")

    def test_several_shards(self):
        source = self.make_tree()
        torrent = self.create(source, "v1", "--piece-size", "16KiB", tracker=self.start_tracker())
        self.seed(torrent, "--shards", "2")
        report = self.peer_json(torrent, "--shards", "2")
        self.assertEqual(report["fetched_bytes"], report["total_bytes"])
        self.assert_same_tree(source, self.path("host", "to", "v1"))

    def test_a_tracker_with_a_table_tells_hosts_their_rack(self):
        here, there = free_address(), free_address()
        racks = self.path("racks")
        racks.write_text(f"{here}/32 r1\n{there}/32 r2\n")
        source = self.make_tree()
        torrent = self.create(source, "v1", tracker=self.start_tracker("--racks", str(racks)))
        self.seed(torrent, "--shards", "2", address=here)
        self.peer(torrent, "--ip", there, "--seed-for", "60s")
        self.assertEqual(self.process_of_kind("seeder")["details"]["rack"], "r1")
        self.assertEqual(self.process_of_kind("peer")["details"]["rack"], "r2")
        self.peer(torrent, "--ip", there, "--rack", "r9", "--seed-for", "60s", name="other")
        told = [each["details"].get("rack") for each in self.processes() if each["kind"] == "peer"]
        self.assertEqual(sorted(told), ["r2", "r9"])  # who says it himself is believed

    def test_an_empty_directory(self):
        source = self.path("empty")
        source.mkdir()
        torrent = self.create(source, "v1")
        self.peer(torrent, "--temp-path", self.temp_path)
        self.assertEqual(os.listdir(self.path("host", "to", "v1")), [])


class Target(MurderCase):
    def setUp(self):
        super().setUp()
        self.source = self.make_tree()
        self.torrent = self.create(self.source, "v1")

    def peer_of_what_is_here(self, *arguments, **options):
        return self.peer(self.torrent, *arguments, "--temp-path", self.temp_path, **options)

    def test_without_tag_directory_it_is_the_target_itself(self):
        self.peer_of_what_is_here("--no-tag-directory")
        self.assert_same_tree(self.source, self.path("host", "to"))
        self.assert_no_leftovers(self.path("host"))

    def test_an_empty_target_is_taken(self):
        self.path("host", "to", "v1").mkdir(parents=True)
        self.peer_of_what_is_here()
        self.assert_same_tree(self.source, self.path("host", "to", "v1"))

    def test_what_is_there_is_kept_unless_deletion_is_asked_for(self):
        old = self.path("host", "to", "v1")
        old.mkdir(parents=True)
        (old / "mine").write_text("precious")
        self.assertIn("--unsafe-please-delete", self.peer_of_what_is_here(code=1).stderr)
        self.assertEqual(os.listdir(old), ["mine"])
        self.peer_of_what_is_here("--unsafe-please-delete")
        self.assert_same_tree(self.source, old)
        self.assert_no_leftovers(old.parent)

    def test_what_a_peer_placed_that_was_killed_before_it_told_so_is_taken(self):
        self.peer_of_what_is_here()
        place = self.path("host", "to", "v1")
        status = os.stat(place)
        born = subprocess.run(["stat", "-c", "%W %w", place], capture_output=True, text=True, check=True).stdout
        born_s, born_ns = re.match(r"(\d+) \S+ [\d:]+\.(\d{9})", born).groups()
        noted = {"info_hash": self.murder_json("info", self.torrent)["info_hash"],
                 "tree": {"device": status.st_dev, "inode": status.st_ino, "born_s": int(born_s),
                          "born_ns": int(born_ns)}}
        # As such a peer leaves it. Of another release, or of another directory, it says nothing.
        record = self.run_directory / "peer-v1.placing"
        self.assertFalse(record.exists())
        record.write_text(json.dumps({**noted, "info_hash": "0" * 40}))
        self.assertIn("not empty", self.peer_of_what_is_here(code=1).stderr)
        record.write_text(json.dumps({**noted, "tree": {**noted["tree"], "inode": status.st_ino + 1}}))
        self.assertIn("not empty", self.peer_of_what_is_here(code=1).stderr)
        record.write_text(json.dumps(noted))
        report = self.peer_json(self.torrent, "--temp-path", self.temp_path)
        self.assertEqual(report["path"], str(place))
        self.assertEqual(report["fetched_bytes"], 0)
        self.assertEqual(os.stat(place).st_ino, status.st_ino)
        # It told so: from now on something is there.
        self.assertFalse(record.exists())
        self.assertIn("not empty", self.peer_of_what_is_here(code=1).stderr)

    def test_what_cannot_be_printed_does_not_change_that_it_is_there(self):
        for number, words in enumerate((">&-", ">&- 2>&-", ">/dev/full", "| true")):
            for seed_for in ("0", "100ms"):
                with self.subTest(words=words, seed_for=seed_for):
                    name = f"host{number}-{seed_for}"
                    arguments = self.peer_arguments(self.torrent, "--temp-path", self.temp_path,
                                                    "--seed-for", seed_for, name=name)
                    script = f'{{ sleep 0.1; "$0" "$@" || touch "{self.path("failed")}"; }} {words}'
                    subprocess.run(["sh", "-c", script, PROGRAM, *arguments], env=self.environment, timeout=60,
                                   stderr=subprocess.DEVNULL, check=False)
                    self.assertFalse(self.path("failed").exists())
                    self.assert_same_tree(self.source, self.path(name, "to", "v1"))

    def test_no_unpack_wants_no_target(self):
        report = self.peer_json(self.torrent, "--temp-path", self.temp_path, to=None)
        self.assertEqual(report["path"], str(self.temp_path / "v1.tar.zst"))
        self.assertFalse(self.path("host", "to").exists())
        self.assertIn("--to", self.murder("peer", self.torrent, code=2).stderr)

    def test_a_bomb_is_stopped_by_max_unpacked_and_leaves_nothing(self):
        zeros = self.path("zeros")
        zeros.mkdir()
        (zeros / "a").write_bytes(b"\0" * 20_000_000)
        torrent = self.create(zeros, "bomb")
        self.assertLess((self.temp_path / "bomb.tar.zst").stat().st_size, 1_000_000)
        error = self.peer(torrent, "--temp-path", self.temp_path, "--max-unpacked", "1MB", code=1).stderr
        self.assertRegex(error, r"murder peer: .*limit.*--max-unpacked")
        self.assertEqual(os.listdir(self.path("host", "to")) if self.path("host", "to").exists() else [], [])
        self.peer(torrent, "--temp-path", self.temp_path, "--max-unpacked", "1gb")


class File(MurderCase):
    def setUp(self):
        super().setUp()
        self.source = self.make_file("image.bin", 1_000_000)
        self.torrent = self.create(self.source, "disk.img", tracker=self.start_tracker())
        self.seed(self.torrent)

    def test_into_a_directory_under_the_tag(self):
        self.path("host", "to").mkdir(parents=True)
        self.peer(self.torrent)
        self.assertEqual(self.path("host", "to", "disk.img").read_bytes(), self.source.read_bytes())

    def test_to_a_file_name(self):
        self.path("host").mkdir()
        self.peer(self.torrent)
        self.assertEqual(self.path("host", "to").read_bytes(), self.source.read_bytes())
        self.assert_no_leftovers(self.path("host"))

    def test_over_a_file_that_is_there(self):
        self.path("host").mkdir()
        self.path("host", "to").write_text("old")
        self.peer(self.torrent)
        self.assertEqual(self.path("host", "to").read_bytes(), self.source.read_bytes())

    def test_where_cp_would_put_no_file_it_is_refused_before_anything_is_fetched(self):
        host = self.path("host")
        (host / "app" / "disk.img").mkdir(parents=True)
        (host / "file").write_text("old")
        (host / "dangling").symlink_to("nowhere")
        os.mkfifo(host / "pipe")
        for to, why in (("new/", "no directory .*/new: make it first"), ("new/name", "no directory .*/new: make it first"),
                        ("new/.", "no directory .*/new: make it first"), ("file/", "file is there and is not a dir"),
                        ("app", "disk.img is a directory"), ("dangling", "link to nothing"), ("pipe", "is not a file")):
            with self.subTest(to=to):
                arguments = self.peer_arguments(self.torrent)
                arguments[arguments.index("--to") + 1] = f"{host}/{to}"
                result = self.murder(*arguments, code=1)
                self.assertRegex(result.stderr, why)
                self.assertNotIn("%", result.stderr)
        self.assertEqual(sorted(os.listdir(host)), ["app", "dangling", "file", "pipe", "temp"])
        self.assertEqual(os.listdir(host / "temp"), [])

    def test_into_a_directory_that_is_made_if_that_is_said(self):
        for number, words in enumerate((["--to-is-directory"], ["--record"])):
            self.peer(self.torrent, *words, name=f"host{number}", to="srv/app")
            self.assertEqual(self.path(f"host{number}", "srv", "app", "disk.img").read_bytes(),
                             self.source.read_bytes())
        self.path("host2").mkdir()
        self.path("host2", "app").write_text("a file")
        self.assertIn("is not a directory",
                      self.peer(self.torrent, "--to-is-directory", name="host2", to="app", code=1).stderr)

    def test_a_target_where_the_file_is_kept_while_it_comes_is_refused(self):
        place = self.path("host", "to")
        place.mkdir(parents=True)
        self.path("host", "link").symlink_to("to")
        for to in ("to", "to/disk.img", "link"):
            with self.subTest(to=to):
                result = self.peer(self.torrent, "--temp-path", place, to=to, code=1)
                self.assertIn("half there", result.stderr)
                self.assertEqual(os.listdir(place), [])

    def test_an_empty_file(self):
        empty = self.path("nothing")
        empty.write_bytes(b"")
        result = self.murder("create", empty, "--tag", "none", "--temp-path", self.temp_path, code=None)
        if result.returncode == 0:
            self.path("second").mkdir()
            self.peer(self.temp_path / "none.torrent", name="second")
            self.assertEqual(self.path("second", "to").read_bytes(), b"")
        else:
            self.assertEqual(result.returncode, 1)
            self.assertIn("empty", result.stderr)

    def test_giving_up_says_what_to_look_at(self):
        self.murder("stop", "disk.img")
        self.path("host").mkdir()
        result = self.peer(self.torrent, "--give-up-after", "1s", code=1)
        self.assertRegex(result.stderr, "no data received for .*no host that has it is connected: .*`murder seed`")
        # An archive of which nothing came serves no later attempt.
        self.assertEqual(os.listdir(self.path("host", "temp")), [])

    def test_the_source_is_not_changed_by_another_release_of_the_same_tag(self):
        before = self.source.read_bytes()
        other = self.make_file("other.bin", 1_000_000, seed=2)
        self.path("elsewhere").mkdir()
        torrent = self.create(other, "disk.img", "--temp-path", self.path("elsewhere"), tracker=self.start_tracker())
        self.murder("stop", "disk.img")
        self.seed(torrent)
        # The archive of the first release lies where that of the second goes, and may be the source itself.
        self.path("host").mkdir()
        result = self.peer(torrent, "--temp-path", self.temp_path, code=None)
        if os.stat(self.source).st_nlink > 1:
            self.assertEqual(result.returncode, 1)
            self.assertIn("hard links", result.stderr)
        self.assertEqual(self.source.read_bytes(), before)


class TorrentFrom(MurderCase):
    def setUp(self):
        super().setUp()
        self.source = self.make_tree()
        self.torrent = self.create(self.source, "v1")

    def test_standard_input(self):
        with open(self.torrent, "rb") as file:
            result = subprocess.run(
                [PROGRAM, *self.peer_arguments("-", "--temp-path", self.temp_path)],
                stdin=file, env=self.environment, capture_output=True, timeout=60, check=False)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assert_same_tree(self.source, self.path("host", "to", "v1"))

    def test_http(self):
        with serve_files(self.temp_path) as url:
            self.assertIn("v1.tar.zst", self.murder("info", f"{url}/v1.tar.zst.torrent").stdout)
            self.peer(f"{url}/v1.tar.zst.torrent", "--temp-path", self.temp_path)
            self.assertIn("404", self.murder("info", f"{url}/v2.torrent", code=1).stderr)
        self.assert_same_tree(self.source, self.path("host", "to", "v1"))
        refused = self.murder("info", f"http://127.0.0.1:{free_port()}/x", code=1)
        self.assertIn("refused", refused.stderr.lower())

    def test_a_missing_file_and_an_empty_input(self):
        self.assertIn("No such file", self.murder("info", self.path("no.torrent"), code=1).stderr)
        self.assertIn("standard input", self.murder("info", "-", input="", code=1).stderr)


@contextlib.contextmanager
def serve_files(directory):
    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=str(directory))

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class Processes(MurderCase):
    def setUp(self):
        super().setUp()
        self.torrent = self.create(self.make_tree(), "v1", tracker=self.start_tracker())

    def test_a_background_seeder_keeps_no_pipe_of_its_caller(self):
        result = subprocess.run(["bash", "-c", f"'{PROGRAM}' seed {self.torrent} --background 2>&1 | cat"],
                                env=self.environment, capture_output=True, timeout=30, check=False)
        self.assertIn(b"seeding v1", result.stdout)
        self.assertTrue(is_alive(self.process_of_kind("seeder")["pid"]))

    def test_a_peer_that_goes_on_seeding_keeps_no_pipe_of_its_caller(self):
        self.seed(self.torrent)
        command = " ".join(self.peer_arguments(self.torrent, "--seed-for", "60s"))
        result = subprocess.run(["bash", "-c", f"'{PROGRAM}' {command} 2>&1 | cat"],
                                env=self.environment, capture_output=True, timeout=30, check=False)
        self.assertIn(b"v1 is in", result.stdout)
        self.assertEqual(self.process_of_kind("peer")["phase"], "seeding")

    def test_seed_for_ends(self):
        self.seed(self.torrent)
        report = self.peer_json(self.torrent, "--seed-for", "500ms")
        wait_until(lambda: not is_alive(report["pid"]), "the peer has seeded enough", 10)

    def test_a_seeder_in_the_foreground_ends_with_a_signal(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            running = self.start("seed", self.torrent, "--ip", free_address())
            wait_until(lambda: "seeding v1" in running.output, "it serves")
            running.signal(number)
            self.assertEqual(running.wait(10), 0)

    def test_json_is_one_object_and_quiet_is_quiet(self):
        self.seed(self.torrent)
        result = self.peer(self.torrent, "--json")
        self.assertEqual(json.loads(result.stdout)["tag"], "v1")
        self.assertEqual(self.peer(self.torrent, "--quiet", name="second").stderr, "")
        for command in (["info", self.torrent], ["verify", self.torrent, self.temp_path / "v1.tar.zst"],
                        ["status"], ["status", "v1"], ["stop", "v1"]):
            with self.subTest(command=command[0]):
                self.assertIsInstance(self.murder_json(*command), dict)
        error = self.murder_json("info", self.path("missing"), code=1)["error"]
        self.assertEqual(error["code"], "not_found")

    def test_a_second_seeder_of_a_tag_is_warned_of(self):
        self.seed(self.torrent)
        pid = self.process_of_kind("seeder")["pid"]
        result = self.murder("seed", self.torrent, "--ip", free_address(), "--background")
        self.assertIn(f"v1 is seeded already by process {pid}", result.stderr)
        self.murder("stop", "v1", "--seeding")
        self.assertNotIn("v1", self.murder("status").stdout)

    def test_a_taken_port_is_an_error_that_says_so(self):
        with socket.create_server((free_address(), 0)) as taken:
            address, port = taken.getsockname()
            place = ["--ip", address, "--port", str(port)]
            for command in (["seed", self.torrent, "--background", *place], ["seed", self.torrent, *place],
                            self.peer_arguments(self.torrent, *place)):
                error = self.murder(*command, code=1).stderr
                self.assertRegex(error, rf"murder (seed|peer): .*{port}.*taken")
        self.assertEqual([each["kind"] for each in self.processes()], ["tracker"])

    def test_verify_tells_what_is_wrong(self):
        archive = self.temp_path / "v1.tar.zst"
        content = bytearray(archive.read_bytes())
        content[100] ^= 1
        damaged = self.path("damaged")
        damaged.write_bytes(content)
        report = self.murder_json("verify", self.torrent, damaged, code=1)
        self.assertEqual((report["complete"], report["bad_ranges"]), (False, [[0, 0]]))
        damaged.write_bytes(archive.read_bytes() + b"x")
        self.assertIn("too long", self.murder("verify", self.torrent, damaged, code=1).stdout)
        self.assertIn("No such file", self.murder("verify", self.torrent, self.path("none"), code=1).stderr)

    def test_a_seeder_refuses_content_that_is_not_the_torrent_s(self):
        wrong = self.make_file("wrong", 3_000_000, seed=9)
        self.assertIn("not the content", self.murder("seed", self.torrent, wrong, "--background", code=1).stderr)
        missing = self.murder("seed", self.torrent, self.path("none"), "--background", code=1).stderr
        self.assertIn("No such file", missing)


class SizesAsPeopleWriteThem(MurderCase):
    def test_piece_sizes(self):
        source = self.make_file("source", 100)
        for text, size in (("64KiB", 65536), ("1MiB", 1048576), ("65536", 65536)):
            with self.subTest(text=text):
                report = self.murder_json("create", source, "--tag", "x", "--temp-path", self.temp_path, "--force",
                                          "--piece-size", text)
                self.assertEqual(report["piece_bytes"], size)

    def test_what_is_no_size_is_wrong_usage(self):
        source = self.make_file("source", 100)
        for text in ("x", "-1", "64XB", "", "1KB", "99999999999999999999", "1e99", "100MB"):
            with self.subTest(text=text):
                error = self.murder("create", source, "--tag", "x", "--temp-path", self.temp_path,
                                    f"--piece-size={text}", code=2).stderr
                self.assertIn("piece", error)

    def test_what_is_no_time_no_port_and_no_tag_is_wrong_usage(self):
        source = self.make_file("source", 100)
        torrent = self.create(source, "x")
        for arguments in (["--seed-for", "soon"], ["--seed-for", "-1s"], ["--port", "70000"], ["--port", "-1"],
                          ["--ip", "localhost"], ["--shards", "0"], ["--memory", "1KB"], ["--memory", "64"]):
            with self.subTest(arguments=arguments):
                self.murder("peer", torrent, "--no-unpack", *arguments, code=2)
        for tag in ("..", "a/b", "", ".hidden\n", "x" * 300):
            with self.subTest(tag=tag):
                self.murder("create", source, "--tag", tag, "--temp-path", self.temp_path, code=2)


if __name__ == "__main__":
    unittest.main()
