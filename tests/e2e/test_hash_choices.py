"""Each choice of SHA-1 kernels (MURDER_SHA1) from `create` to the last host."""

import json
import unittest

from harness import MurderCase

KERNELS = ("openssl", "avx2", "avx512", "sha-ni", "armv8")
PEERS = 3
PIECE_BYTES = 64 << 10


class HashCase(MurderCase):
    def choose(self, kernel):
        """Sets MURDER_SHA1 for all that follows; skips the test where this processor lacks it."""
        self.environment["MURDER_SHA1"] = kernel
        check = self.sha1_check()
        if check["grade"] != "ok":
            self.skipTest(f"no {kernel} here: {check['text']}")
        return check

    def sha1_check(self):
        result = self.murder("doctor", "--json", "--temp-path", self.temp_path, code=None)
        return next(each for each in json.loads(result.stdout)["checks"] if each["name"] == "SHA-1")

    def copy_to_peers(self, source, tag):
        """The main job; returns what `info` tells of the torrent."""
        tracker = self.start_tracker()
        torrent = self.create(source, tag, "--piece-size", PIECE_BYTES, tracker=tracker)
        self.murder("verify", torrent, self.temp_path / torrent.stem)
        self.seed(torrent)
        peers = [self.start(*self.peer_arguments(torrent, name=f"{tag}-{number}")) for number in range(PEERS)]
        for number, peer in enumerate(peers):
            self.assertEqual(peer.wait(), 0, peer.output + peer.error)
            self.assert_same_tree(source, self.path(f"{tag}-{number}", "to", tag))
        return self.murder_json("info", torrent)


class Choices(HashCase):
    def check_kernel(self, kernel):
        self.choose(kernel)
        # 46 pieces and a short one: no multiple of any kernel's lanes, whichever come together.
        many = self.make_tree()
        self.make_file(f"{many.name}/more", PIECE_BYTES)
        info = self.copy_to_peers(many, f"many-{kernel}")
        self.assertNotEqual(info["pieces"] % 2, 0, info)
        self.assertNotEqual(info["bytes"] % info["piece_bytes"], 0, info)
        single = self.path("single")
        self.make_file("single/small", 1000)
        self.assertEqual(self.copy_to_peers(single, f"one-{kernel}")["pieces"], 1)

    def test_openssl(self):
        self.check_kernel("openssl")

    def test_avx2(self):
        self.check_kernel("avx2")

    def test_avx512(self):
        self.check_kernel("avx512")

    def test_sha_ni(self):
        self.check_kernel("sha-ni")

    def test_armv8(self):
        self.check_kernel("armv8")


class Wishes(HashCase):
    """What happens to a name that is given."""

    def test_doctor_names_the_choice_and_why(self):
        self.environment.pop("MURDER_SHA1", None)
        self.assertIn("the best of what this processor has", self.sha1_check()["text"])
        self.environment["MURDER_SHA1"] = "openssl"
        self.assertRegex(self.sha1_check()["text"], r"^openssl \(1 at once\): MURDER_SHA1=openssl asks for it")

    def test_a_name_that_is_unknown_is_wrong_usage(self):
        source = self.make_tree()
        for name in ("avx9", "AVX2", "sha1"):
            with self.subTest(name=name):
                self.environment["MURDER_SHA1"] = name
                result = self.murder("create", source, "--tag", "v1", "--temp-path", self.temp_path, code=2)
                self.assertIn(f"MURDER_SHA1={name}: unknown; it may be one of avx512, ", result.stderr)
        self.environment["MURDER_SHA1"] = ""
        self.create(source, "v1")

    def test_a_kernel_that_this_processor_lacks_is_told_and_another_taken(self):
        source = self.make_tree()
        for name in KERNELS:
            self.environment["MURDER_SHA1"] = name
            check = self.sha1_check()
            with self.subTest(name=name):
                result = self.murder(
                    "create", source, "--tag", name, "--temp-path", self.temp_path)
                is_told = f"MURDER_SHA1={name}: this processor cannot do that" in result.stderr
                self.assertEqual(is_told, check["grade"] != "ok", result.stderr)
                self.assertEqual(check["mend"], "unset MURDER_SHA1" if is_told else "")


if __name__ == "__main__":
    unittest.main()
