"""--transport tls: a release passes between members under TLS, and nobody on the way learns or changes anything."""

import json
import os
import shutil
import socket
import subprocess
import threading
import unittest

import fleet_keys
from fleet_keys import SwarmKeys, key_line, new_secret, write_keys
from harness import MurderCase, free_address, free_port, is_alive, wait_until
from scripted import PROTOCOL, ScriptedPeer, Wire, handshake
from test_closed_swarm import BLOCK, CONTENT, PIECE_BYTES, ClosedSwarm
from torrents import Torrent

TLS = ("--transport", "tls")
TLS_HELLO = b"murder\x01\x01"


class Encrypted(ClosedSwarm):
    def seed_encrypted(self, *arguments):
        return self.seed_closed(*TLS, *arguments)

    def torrent_of_seeder(self):
        host, port = self.seeder.rsplit(":", 1)
        return self.torrent_for((host, int(port)))

    def fetch_encrypted(self, torrent, *arguments, **options):
        return self.peer(torrent, "--fleet-key", self.key_path, *TLS, *arguments, **options)


class Members(Encrypted):
    def test_members_exchange_a_release(self):
        self.seed_encrypted()
        self.fetch_encrypted(self.torrent_of_seeder())
        self.assertEqual(self.path("host", "to").read_bytes(), CONTENT)

    def test_with_several_shards_and_by_every_way_of_sending(self):
        for number, how in enumerate(("auto", "copy", "zc", "splice")):
            with self.subTest(how):
                self.seed_encrypted("--shards", "2", "--send-path", how)
                self.fetch_encrypted(self.torrent_of_seeder(), "--shards", "2", name=f"host{number}")
                self.assertEqual(self.path(f"host{number}", "to").read_bytes(), CONTENT)
                self.murder("stop", self.process_of_kind("seeder")["tag"], "--seeding")

    def test_with_limits_of_the_rate(self):
        self.seed_encrypted("--upload-limit", "2MB")
        self.fetch_encrypted(self.torrent_of_seeder(), "--download-limit", "1MB")
        self.assertEqual(self.path("host", "to").read_bytes(), CONTENT)

    def test_while_a_key_takes_the_place_of_another(self):
        new = write_keys(self.path("new.key"), key_line(new_secret()), key_line(self.secret))
        self.seed_closed(*TLS)
        self.peer(self.torrent_of_seeder(), "--fleet-key", new, *TLS, code=1, *("--give-up-after", "2s"), name="first")
        write_keys(self.key_path, key_line(self.secret), *new.read_text().split()[:1])
        self.murder("stop", self.process_of_kind("seeder")["tag"], "--seeding")
        self.seed_closed(*TLS)
        self.peer(self.torrent_of_seeder(), "--fleet-key", new, *TLS, name="second")
        self.assertEqual(self.path("second", "to").read_bytes(), CONTENT)


class ByAnotherHand(Encrypted):
    """A member that is made of docs/protocol.md and the openssl program."""

    def openssl(self, wire, frames):
        """What passes within TLS, as a Wire; what s_client sends and gets passes through `wire`."""
        secret = fleet_keys.mac(fleet_keys.hkdf(self.secret, self.torrent.info_hash, b"murder peer 1 tls"), frames)
        listener = socket.create_server((free_address(), 0))
        self.addCleanup(listener.close)
        own, its = socket.socketpair()
        client = subprocess.Popen(
            ["openssl", "s_client", "-connect", "%s:%d" % listener.getsockname(), "-tls1_3", "-quiet", "-psk", secret.hex(),
             "-psk_identity", "murder"], stdin=its, stdout=its, stderr=subprocess.DEVNULL)
        self.addCleanup(lambda: (client.kill(), client.wait()))
        its.close()
        outside = listener.accept()[0]
        self.addCleanup(outside.close)

        def pump(source, target):
            try:
                while data := source.recv(65536):
                    target.sendall(data)
            except OSError:
                pass
        for pair in ((outside, wire.socket), (wire.socket, outside)):
            threading.Thread(target=pump, args=pair, daemon=True).start()
        inside = Wire(own)
        self.addCleanup(own.close)
        return inside

    @unittest.skipUnless(shutil.which("openssl"), "not installed: openssl")
    def test_it_fetches(self):
        self.seed_encrypted()
        wire = self.connect()
        frame = TLS_HELLO + os.urandom(32)
        frames = frame + fleet_keys.mac(self.keys.hello, frame)
        wire.send(frames)
        frames += wire.read(fleet_keys.FRAME_BYTES)
        inside = self.openssl(wire, frames)
        inside.get_unchoked(self.torrent.info_hash)
        for piece in range(3):
            self.assertEqual(inside.fetch(piece, 0, BLOCK), self.torrent.piece(piece)[:BLOCK])


class Swarm(MurderCase):
    """A seeder and four peers, which also serve each other."""

    def test_a_tree_reaches_all_hosts(self):
        key = write_keys(self.path("fleet.key"), key_line(new_secret()))
        source = self.make_tree()
        self.make_file("source/large", 30_000_000)
        tracker = self.start_tracker("--fleet-key", key)
        torrent = self.create(source, "v1", tracker=tracker)
        often = ("--rekey-after", "16MiB")
        self.seed(torrent, "--fleet-key", key, *TLS, *often)
        peers = [self.start(*self.peer_arguments(torrent, "--fleet-key", key, *TLS, *often, "--seed-for", "5s", name=f"h{number}"))
                 for number in range(4)]
        for number, peer in enumerate(peers):
            self.assertEqual(peer.wait(), 0, peer.error)
            self.assert_same_tree(source, self.path(f"h{number}", "to", "v1"))


class Relayed(Encrypted):
    """Between two members stands somebody who keeps, and may change, all that passes."""

    def setUp(self):
        super().setUp()
        self.seed_encrypted()
        self.passed = {"forth": b"", "back": b""}

    def relay(self, change=None):
        """A torrent whose only peer is one that passes everything on to the seeder."""
        def script(_, wire):
            with Wire.connect(self.seeder) as other:
                def pump(source, target, direction):
                    position = 0
                    try:
                        while data := source.socket.recv(65536):
                            self.passed[direction] += data
                            target.send(change(direction, position, data) if change else data)
                            position += len(data)
                    except OSError:
                        pass
                    for each in (source, target):
                        try:
                            each.socket.shutdown(socket.SHUT_RDWR)
                        except OSError:
                            pass
                back = threading.Thread(target=pump, args=(other, wire, "back"), daemon=True)
                back.start()
                pump(wire, other, "forth")
                back.join(20)

        return self.torrent_for(ScriptedPeer(self, self.torrent, script).address)

    def test_nothing_can_be_read(self):
        self.fetch_encrypted(self.relay())
        self.assertEqual(self.path("host", "to").read_bytes(), CONTENT)
        for direction, data in self.passed.items():
            self.assertEqual(data[:8], TLS_HELLO, direction)
            self.assertEqual(data[72:75], b"\x16\x03\x01" if direction == "forth" else b"\x16\x03\x03")
            for secret in (PROTOCOL, self.torrent.info_hash, b"data", self.secret, b"-MU0001-",
                           *(CONTENT[at:at + 16] for at in range(0, len(CONTENT), 4096))):
                self.assertNotIn(secret, data, direction)
        self.assertGreater(len(self.passed["back"]), len(CONTENT))

    def test_nothing_can_be_changed(self):
        """A bit of a frame, of the handshake of TLS, of the first records, of a piece."""
        for direction, at in (("forth", 6), ("forth", 40), ("forth", 100), ("forth", 72 + 300), ("back", 6), ("back", 71),
                              ("back", 72 + 40), ("back", 72 + 200), ("back", 2000), ("back", 300_000)):
            with self.subTest(direction=direction, at=at):
                def change(passes, position, data, direction=direction, at=at):
                    data = bytearray(data)
                    if passes == direction and position <= at < position + len(data):
                        data[at - position] ^= 1
                    return bytes(data)
                name = f"{direction}{at}"
                result = self.peer(self.relay(change), "--fleet-key", self.key_path, *TLS, "--give-up-after", "2s", "--timeout", "5s",
                                   code=None, name=name)
                # Once it fetches again by another connection, where the same byte is changed, it comes to an end at some time.
                self.assertNotEqual(result.returncode, 0, result.stderr)
                self.assertFalse(self.path(name, "to").exists())
        self.assertTrue(is_alive(self.pid))

    def test_a_cut_connection_is_made_again(self):
        cut = threading.Event()

        def change(direction, position, data):
            if direction == "back" and position > 150_000 and not cut.is_set():
                cut.set()
                raise OSError
            return data
        self.fetch_encrypted(self.relay(change))
        self.assertTrue(cut.is_set())
        self.assertEqual(self.path("host", "to").read_bytes(), CONTENT)


class Strangers(Encrypted):
    def test_whatever_a_stranger_sends_he_is_sent_nothing(self):
        self.seed_encrypted()
        others = fleet_keys.hello(SwarmKeys(new_secret(), self.torrent.info_hash))
        client_hello = bytes.fromhex("16030100400100003c0303") + os.urandom(64)
        for name, parts in {
                "a plain handshake": [handshake(self.torrent.info_hash)],
                "TLS": [client_hello],
                "a hello by another key": [others],
                "a hello by another key, for TLS": [TLS_HELLO + others[8:]],
                "noise": [os.urandom(5000)],
        }.items():
            with self.subTest(name):
                self.assert_refused(*parts)
        self.assertTrue(is_alive(self.pid))
        self.fetch_encrypted(self.torrent_of_seeder())


    def test_who_stops_within_the_handshake_is_closed_after_a_moment(self):
        """One who knows a recorded hello, or a member that hangs."""
        self.seed_encrypted()
        wires = []
        for begun in (b"", b"\x16", bytes.fromhex("1603010200010001fc0303")):
            wire = self.connect()
            frame = TLS_HELLO + os.urandom(32)
            wire.send(frame + fleet_keys.mac(self.keys.hello, frame))
            self.assertEqual(wire.read(fleet_keys.FRAME_BYTES)[:8], TLS_HELLO)
            wire.send(begun)
            wires.append(wire)
        for wire in wires:
            self.assertEqual(wire.socket.recv(1000), b"")
        self.fetch_encrypted(self.torrent_of_seeder())


class Downgrade(Encrypted):
    def test_a_plain_member_gets_nothing_of_an_encrypted_seeder_and_both_say_why(self):
        self.torrent.write_content(self.temp_path)
        seeder = self.start("seed", self.torrent.write(self.temp_path), "--fleet-key", self.key_path, *TLS,
                            "--ip", address := free_address(), "--port", "52100")
        wait_until(lambda: self.process_of_kind("seeder"), "it serves")
        self.seeder = f"{address}:52100"
        result = self.peer(self.torrent_of_seeder(), "--fleet-key", self.key_path, "--give-up-after", "2s", code=1)
        self.assertIn("hosts of this fleet that have --transport tls, while this one has plain", result.stderr)
        wait_until(lambda: "hosts of this fleet that have --transport plain, while this one has tls" in seeder.error, "it is told")

    def test_an_encrypted_peer_says_nothing_to_a_plain_seeder_and_is_told_why(self):
        self.seed_closed()
        result = self.fetch_encrypted(self.torrent_of_seeder(), "--give-up-after", "2s", code=1)
        self.assertIn("hosts of this fleet that have --transport plain, while this one has tls", result.stderr)

    def test_an_encrypted_peer_sends_a_plain_member_its_hello_and_nothing_else(self):
        received = []

        def script(_, wire):
            frame = wire.read(fleet_keys.FRAME_BYTES)
            wire.send(fleet_keys.answer(self.keys, frame))
            data = frame
            try:
                while True:
                    data += wire.read(1)
            except EOFError:
                received.append(data)

        peer = ScriptedPeer(self, self.torrent, script)
        self.start(*self.peer_arguments(self.torrent_for(peer.address), "--fleet-key", self.key_path, *TLS))
        data = wait_until(lambda: received, "the connection ends")[0]
        self.assertEqual(data[:8], TLS_HELLO)
        self.assertEqual(len(data), fleet_keys.FRAME_BYTES)

    def test_a_member_who_goes_on_plainly_is_closed(self):
        self.seed_encrypted()
        wire = self.connect()
        frames = fleet_keys.hello(self.keys)
        wire.send(frames)
        frames += wire.read(fleet_keys.FRAME_BYTES)
        self.assertEqual(frames[72:80], TLS_HELLO)
        wire.send(fleet_keys.sealed(self.keys.dialler_seal, frames, handshake(self.torrent.info_hash)))
        self.assertEqual(wire.socket.recv(1000), b"")

    def test_a_tracker_that_asks_is_answered_and_nobody_is_alarmed(self):
        """It dials peers at addresses that their announces did not come from, and is content with an answer."""
        tracker = self.start_tracker("--fleet-key", self.key_path, address="127.0.0.1")
        torrent = Torrent("data", CONTENT, PIECE_BYTES, [f"http://{tracker}/announce"]).write(self.temp_path)
        self.torrent.write_content(self.temp_path)
        seeder = self.start("seed", torrent, "--fleet-key", self.key_path, *TLS, "--ip", free_address())
        wait_until(lambda: self.process_of_kind("seeder"), "it serves")
        self.fetch_encrypted(torrent)
        self.assertEqual(self.path("host", "to").read_bytes(), CONTENT)
        self.assertNotIn("--transport", seeder.error)


class KeyFile(Encrypted):
    """A line of the key file that all hosts have: nothing that is started with it can be plain by mistake."""

    def test_a_fleet_whose_key_file_says_so_speaks_tls(self):
        write_keys(self.key_path, key_line(self.secret), "transport tls")
        self.seed_closed()
        wire = self.connect()
        wire.send(fleet_keys.hello(self.keys))
        self.assertEqual(wire.read(fleet_keys.FRAME_BYTES)[:8], TLS_HELLO)
        self.peer(self.torrent_of_seeder(), "--fleet-key", self.key_path)
        self.assertEqual(self.path("host", "to").read_bytes(), CONTENT)
        without = write_keys(self.path("without.key"), key_line(self.secret))
        self.peer(self.torrent_of_seeder(), "--fleet-key", without, "--give-up-after", "2s", code=1, name="plain")
        self.peer(self.torrent_of_seeder(), "--fleet-key", without, *TLS, name="asked")

    def test_plain_is_not_possible_with_it(self):
        write_keys(self.key_path, key_line(self.secret), "transport tls")
        result = self.peer(self.torrent.write(self.temp_path), "--fleet-key", self.key_path, "--transport", "plain", code=2)
        self.assertIn('the key file of this fleet says "transport tls"', result.stderr)

    def test_what_else_it_says_of_the_transport_is_an_error(self):
        write_keys(self.key_path, key_line(self.secret), "transport plain")
        result = self.peer(self.torrent.write(self.temp_path), "--fleet-key", self.key_path, code=1)
        self.assertIn('line 2: of the transport a key file says "transport tls", or nothing', result.stderr)


class Rollout(MurderCase):
    """What agents fetch, what a coordinator keeps and what a publisher serves, with nothing but the key file."""

    def test_a_release_goes_to_agents_under_tls(self):
        key = write_keys(self.path("fleet.key"), key_line(new_secret()), key_line(new_secret(), "operator"), "transport tls")
        address = free_address()
        place = f"{address}:{free_port(address)}"
        self.start("tracker", "--listen", place, "--state", self.path("store"), "--fleet-key", key)
        config = self.path("agent.toml")
        config.write_text(f'coordinators = ["{place}"]\nhost = "w1"\nstate = "{self.path("agent")}"\nseed_for = "1s"\n'
                          f'fleet_key = "{key}"\n[app.shop]\nto = "{self.path("srv")}"\n')
        config.chmod(0o600)
        agent = self.start("agent", "--config", config)
        self.addCleanup(lambda: [self.murder("stop", "--all", "--run-dir", run, code=None)
                                 for run in self.directory.glob("*/**/run")])
        at = ("--coordinator", place, "--operator-key", key)
        source = self.make_tree()
        self.murder("release", "publish", source, "--app", "shop", "--tag", "v1", "--temp-path", self.temp_path,
                    "--ip", address, *at)
        self.murder("rollout", "start", "shop", "v1", "--min-healthy", "0s", "--wait", *at)
        self.assert_same_tree(source, self.path("srv", "current").resolve())
        self.assertTrue(is_alive(agent.pid), agent.error)
        # The coordinator's copy, which all of it came from, speaks TLS.
        (run,) = self.path("store").glob("releases/*/run")
        (copy,) = json.loads(self.murder("status", "--json", "--run-dir", run).stdout)["processes"]
        with Wire.connect(f"{address}:{copy['address'].rsplit(':', 1)[1]}") as wire:
            info_hash = bytes.fromhex(run.parent.name)
            wire.send(fleet_keys.hello(SwarmKeys(bytes.fromhex(key.read_text().split("-")[3]), info_hash)))
            self.assertEqual(wire.read(fleet_keys.FRAME_BYTES)[:8], TLS_HELLO)


class Options(ClosedSwarm):
    def test_what_is_asked_for_without_a_key_is_an_error_that_says_what_to_do(self):
        torrent = self.torrent.write(self.temp_path)
        self.torrent.write_content(self.temp_path)
        result = self.murder("seed", torrent, "--background", "--open", *TLS, code=2)
        self.assertIn("--transport tls encrypts with the fleet key: it does not go together with --open", result.stderr)
        result = self.murder("seed", torrent, "--background", "--transport", "ssl", code=2)
        self.assertIn("--transport", result.stderr)
        self.assertEqual(self.processes(), [])

    @unittest.skipIf(os.path.exists("/etc/murder/fleet.key"), "this machine has a fleet key")
    def test_where_there_is_no_key(self):
        result = self.peer(self.torrent.write(self.temp_path), *TLS, code=2)
        self.assertIn("murder key new-fleet", result.stderr)


if __name__ == "__main__":
    unittest.main()
