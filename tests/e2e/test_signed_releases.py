"""Hosts that demand signatures: what they take, what they refuse before the first byte, and what they keep of it."""

import json
import os
import pathlib
import pwd
import resource
import shutil
import unittest

from harness import MurderCase, least_address_space_kib
from signing import HAS_SSH_KEYGEN, allowed_line, armour_of, make_key, sign_torrent, statement_of, time_text
from torrents import bdecode


@unittest.skipUnless(HAS_SSH_KEYGEN, "signing needs ssh-keygen (openssh-client)")
class TrustCase(MurderCase):
    def setUp(self):
        super().setUp()
        self.keys = self.path("keys")
        self.keys.mkdir()
        self.key = make_key(self.keys, "ann")
        self.signers = self.path("etc", "allowed_signers")
        self.signers.parent.mkdir()
        self.trust(allowed_line(self.key))

    def trust(self, text):
        self.signers.write_text(text)

    def make_release(self, tag="v1", tracker=None, source=None):
        """(torrent, content) of a packed tree; nothing is signed yet."""
        source = source or self.make_tree(f"source-{tag}")
        torrent = self.create(source, tag, tracker=tracker or self.tracker)
        return torrent, (self.temp_path / f"{tag}.tar.zst").read_bytes()

    @property
    def tracker(self):
        if not hasattr(self, "_tracker"):
            self._tracker = self.start_tracker()
        return self._tracker

    def signed_release(self, tag="v1", keys=None, **fields):
        """A torrent that is signed and seeded."""
        torrent, content = self.make_release(tag)
        sign_torrent(torrent, content, *(keys or [self.key]), **fields)
        self.seed(torrent)
        return torrent

    def peer_arguments(self, torrent, *arguments, name="host", to="to"):
        words = super().peer_arguments(torrent, *arguments, name=name, to=to)
        if "--to" in map(str, arguments):
            words = [each for each in words if each != "--no-unpack"]
        return words

    def trusting(self, torrent, *arguments, code=0, **options):
        words = [] if "--give-up-after" in arguments else ["--give-up-after", "20s"]
        return self.peer(torrent, "--allowed-signers", self.signers, *words, *arguments, code=code, **options)

    def refused(self, torrent, *arguments, text, **options):
        """Refused with these words, as untrusted and with nothing made; returns what was said."""
        before = self.everything()
        result = self.trusting(torrent, *arguments, "--json", code=1, **options)
        self.assertEqual(json.loads(result.stdout)["error"]["code"], "untrusted", result.stdout)
        self.assertRegex(result.stderr, text)
        self.assertEqual(self.everything(), before)
        return result.stderr

    def everything(self):
        """All that lies where releases and archives of hosts go."""
        places = [each for each in self.directory.iterdir() if each.name.startswith("host")]
        return sorted(str(each) for place in places for each in [place, *place.rglob("*")])

    def record(self, name="host", to="to"):
        return json.loads((self.path(name, to) / ".murder-releases.json").read_text())


class Taken(TrustCase):
    def test_a_signed_release_is_taken_and_its_serial_is_kept(self):
        torrent = self.signed_release(serial=7)
        result = self.trusting(torrent, "--record")
        self.assertIn("v1 is signed by ann@example.net (ssh-ed25519 SHA256:", result.stderr)
        self.assert_same_tree(self.path("source-v1"), self.path("host", "to", "v1"))
        [mark] = self.record()["serials"]
        self.assertEqual((mark["app"], mark["name"], mark["serial"]), ("", "", 7))
        again = self.trusting(torrent, "--record")
        self.assertIn("nothing to do", again.stdout)
        [placed] = self.record()["releases"]
        self.assertEqual((placed["serial"], placed["sha256"]), (7, mark["sha256"]))

    def test_in_the_background(self):
        torrent = self.signed_release()
        self.trusting(torrent, "--background", "--follow", "--record")
        self.assertEqual(json.loads(self.murder("wait", "v1", "--json").stdout)["state"], "done")

    def test_from_standard_input(self):
        torrent = self.signed_release()
        with open(torrent, "rb") as source:
            self.trusting("-", stdin=source)
        self.assertTrue(self.path("host", "to", "v1", "run.sh").exists())

    def test_a_file_and_an_archive_alone(self):
        content = os.urandom(300_000)
        self.path("tool").write_bytes(content)
        torrent = self.create(self.path("tool"), "tool", tracker=self.tracker)
        sign_torrent(torrent, content, self.key, serial=3)
        self.seed(torrent)
        self.path("bin").mkdir()
        self.trusting(torrent, "--to", self.path("bin", "program"), to=None, name="host2")
        self.assertEqual(self.path("bin", "program").read_bytes(), content)
        self.assertEqual(json.loads(self.path("bin", ".murder-releases.json").read_text())["serials"][0]["name"], "program")
        self.trusting(torrent, name="host3", to=None)
        self.assertEqual(self.path("host3", "temp", "tool").read_bytes(), content)

    def test_what_was_fetched_before_is_compared_as_well(self):
        torrent = self.signed_release()
        self.path("host", "temp").mkdir(parents=True)
        shutil.copy(self.temp_path / "v1.tar.zst", self.path("host", "temp"))
        report = json.loads(self.trusting(torrent, "--json").stdout)
        self.assertEqual(report["fetched_bytes"], 0)
        self.assertEqual(self.record()["serials"][0]["serial"], 1)

    @unittest.skipIf(os.geteuid() != 0, "changing the user needs root")
    def test_the_helper_that_keeps_roots_rights_compares_it(self):
        self.directory.chmod(0o711)
        torrent = self.signed_release()
        place = self.path("of-user")
        place.mkdir()
        os.chown(place, pwd.getpwnam("nobody").pw_uid, -1)
        self.trusting(torrent, "--user", "nobody", "--temp-path", place / "temp")
        self.assert_same_tree(self.path("source-v1"), self.path("host", "to", "v1"))
        self.assertEqual(self.record()["serials"][0]["serial"], 1)


    def test_the_signature_may_lie_beside_the_torrent(self):
        torrent, content = self.make_release()
        self.seed(torrent)
        text = statement_of(bdecode(torrent.read_bytes()), content)
        beside = pathlib.Path(f"{torrent}.sig")
        self.refused(torrent, text="it is not signed")
        beside.write_text("nothing of the kind")
        self.trusting(torrent, code=1)
        self.peer(torrent, name="elsewhere")  # where none is demanded
        beside.write_bytes(text + armour_of(text, self.other_key()))
        self.refused(torrent, text="no trusted key signed it")
        beside.write_bytes(text + armour_of(text, self.key))
        self.trusting(torrent)

    def other_key(self):
        return make_key(self.keys, "eve")


class Doctor(TrustCase):
    def findings(self, *arguments, code=None):
        checks = self.murder_json("doctor", "--temp-path", self.temp_path, "--allowed-signers", self.signers, *arguments, code=code)["checks"]
        return [(each["grade"], each["text"]) for each in checks if each["name"] in ("signatures", "signer", "signed release")]

    def test_who_is_trusted_and_what_ends_soon(self):
        [(grade, text)] = self.findings()
        self.assertEqual(grade, "ok")
        self.assertRegex(text, r"signed by 1 of the keys in .*allowed_signers: ann@example\.net \(SHA256:")
        soon = time_text(10 * 86400)[:10].replace("-", "")
        self.trust(allowed_line(self.key, options=f'valid-before="{soon}"') + "not a line\n")
        graded = self.findings()
        self.assertEqual([each[0] for each in graded], ["ok", "could be better", "could be better"])
        self.assertRegex(graded[1][1], r":1: ann@example\.net .* ends in (9|10) days")
        self.assertRegex(graded[2][1], r":2 allows nobody")
        self.trust(allowed_line(self.key))
        self.trusting(self.signed_release(expires=time_text(5 * 86400 + 3600)), "--record")
        graded = self.findings("--to", self.path("host", "to"))
        self.assertRegex(graded[1][1], r"serial 1; its signature ends in 5 days")

    def test_what_refuses_every_release(self):
        self.signers.chmod(0o666)
        [(grade, text)] = self.findings(code=1)
        self.assertEqual(grade, "broken")
        self.assertRegex(text, "may be written by others.*every release is refused")


class Steps(TrustCase):
    """No step back without a signature that says so and a host that allows it."""

    def test_serials_of_a_directory_of_releases(self):
        old = self.signed_release("v1", serial=5)
        new = self.signed_release("v2", serial=6)
        self.trusting(new, "--record")
        self.refused(old, text="older than what was put in place.*serial 5, there it is 6.*signed again.*--allow-older")
        self.refused(old, "--allow-older", text="older than what was put in place")
        self.refused(old, "--unsafe-please-delete", text="older than what was put in place")
        shutil.rmtree(self.path("host", "to", "v2"))
        self.refused(old, text="older than what was put in place")

    def test_a_rollback_is_signed_anew_and_allowed(self):
        old = self.signed_release("v1", serial=5)
        new = self.signed_release("v2", serial=6)
        for torrent in (old, new):
            self.trusting(torrent, "--record")
        self.murder("activate", "v1", "--to", self.path("host", "to"))  # it was compared when it came
        content = (self.temp_path / "v1.tar.zst").read_bytes()
        sign_torrent(old, content, self.key, serial=7)
        self.refused(old, text="signed anew.*--allow-older")
        shutil.rmtree(self.path("host", "to", "v1"))
        self.refused(old, text="signed anew.*--allow-older")
        self.trusting(old, "--record", "--allow-older")
        self.refused(new, text="serial 6, there it is 7")
        # Forward again, with a signature of its own, is no step back.
        sign_torrent(new, (self.temp_path / "v2.tar.zst").read_bytes(), self.key, serial=8)
        self.trusting(new, "--record")

    def test_a_file_at_its_own_name(self):
        torrents = {}
        for tag, serial in (("old", 1), ("new", 2)):
            self.path(tag).write_bytes(tag.encode() * 1000)
            torrents[tag] = self.create(self.path(tag), tag, tracker=self.tracker)
            sign_torrent(torrents[tag], tag.encode() * 1000, self.key, serial=serial)
            self.seed(torrents[tag])
        program = self.path("host-bin", "program")
        program.parent.mkdir()
        self.trusting(torrents["new"], "--to", program, to=None)
        self.refused(torrents["old"], "--to", program, to=None, text="older than what was put in place")
        self.assertEqual(program.read_bytes(), b"new" * 1000)

    def test_what_came_before_signatures_were_demanded_is_not_taken_for_it(self):
        torrent = self.signed_release()
        self.peer(torrent, "--record")
        self.refused(torrent, text="not compared with a signature.*--unsafe-please-delete")
        self.trusting(torrent, "--record", "--unsafe-please-delete")
        self.assertIn("nothing to do", self.trusting(torrent).stdout)


class WhoIsTrusted(TrustCase):
    """A file of signers is never passed over."""

    def setUp(self):
        super().setUp()
        self.torrent = self.signed_release()

    def not_read(self, text, torrent=None):
        before = self.everything()
        result = self.trusting(torrent or self.torrent, code=1)
        self.assertRegex(result.stderr, text)
        self.assertEqual(self.everything(), before)

    def test_missing(self):
        self.signers.unlink()
        self.not_read("leads to no file")
        self.signers.symlink_to("nowhere")
        self.not_read("leads to no file")

    def test_a_directory_or_a_fifo(self):
        self.signers.unlink()
        self.signers.mkdir()
        self.not_read("not a regular file")
        self.signers.rmdir()
        os.mkfifo(self.signers)
        self.not_read("not a regular file")

    def test_written_by_others(self):
        self.signers.chmod(0o646)
        self.not_read("may be written by others")
        self.signers.chmod(0o644)
        self.signers.parent.chmod(0o777)
        self.not_read("may be written by others")

    @unittest.skipIf(os.geteuid() != 0, "giving a file to another user needs root")
    def test_of_another_user(self):
        os.chown(self.signers, pwd.getpwnam("nobody").pw_uid, -1)
        self.not_read("belongs to another user")

    def test_nobody(self):
        for text in ("", "# nobody\n", "ann@example.net ssh-ed25519 AAAA\n"):
            self.trust(text)
            self.not_read("no trusted key signed it")

    def test_an_option_without_a_name(self):
        self.trusting(self.torrent, "--app", "-x", code=2)

    def test_without_the_file_all_is_as_it_was(self):
        if pathlib.Path("/etc/murder/allowed_signers").exists():
            self.skipTest("this machine demands signatures")
        self.peer(self.torrent)
        self.assertNotIn("serials", self.record() if (self.path("host", "to") / ".murder-releases.json").exists() else {})

    def test_little_memory(self):
        """The libraries of signatures and the decoders may lack it at any place: an error, and no crash."""
        codes = set()
        least = least_address_space_kib()
        for kib in (*range(least, least + 27_000, 2100), *range(least + 27_000, 400 * 1024, 30_000)):
            result = self.trusting(self.torrent, "--unsafe-please-delete", code=None, name=f"host{kib}",
                                   preexec_fn=lambda limit=kib * 1024: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)))
            self.assertIn(result.returncode, (0, 1), result.stderr)
            self.assertNotRegex(result.stderr, "terminate|internal error|untrusted|not put in place")
            codes.add(result.returncode)
        self.assertEqual(codes, {0, 1})

    def test_the_time_of_a_key(self):
        later = time_text(86400)[:10].replace("-", "")
        sooner = time_text(-86400)[:10].replace("-", "")
        self.trust(allowed_line(self.key, options=f'valid-before="{sooner}"'))
        self.not_read("no trusted key signed it")
        self.trust(allowed_line(self.key, options=f'valid-before="{later}"'))
        self.trusting(self.torrent)

