"""murder simulate and murder deploy --plan: what they print, and that the same seed gives the same run."""

import json
import unittest
import xml.etree.ElementTree

from harness import MurderCase

SMALL = ("--hosts", "30", "--size", "4MiB", "--rate", "1gbit")
KEYS = ["floor_s", "last_s", "p99_s", "p50_s", "ratio", "seeder_copies", "rack_copies_max", "duplicate_fraction"]


class Simulate(MurderCase):
    def test_the_result_for_machines(self):
        result = json.loads(self.murder("simulate", *SMALL, "--rack-size", "10", "--json").stdout)
        self.assertEqual(list(result)[:len(KEYS)], KEYS)
        self.assertEqual(result["hosts_done"], 30)
        self.assertGreaterEqual(result["ratio"], 1)
        self.assertLessEqual(result["p50_s"], result["p99_s"])
        self.assertLessEqual(result["p99_s"], result["last_s"])
        self.assertGreaterEqual(result["rack_copies_max"], 0.99)
        # 128 pieces of 32 KiB (30 hosts need 125), and five more piece times for 30 hosts, less one.
        self.assertAlmostEqual(result["floor_s"], (128 - 1 + 5) * 32768 / 125e6, places=9)

    def test_the_same_seed_gives_the_same_bytes(self):
        words = ("simulate", *SMALL, "--die", "10%", "--slow", "10%:0.2", "--join-over", "20%", "--json")
        first = self.murder(*words, "--seed", "7").stdout
        self.assertEqual(first, self.murder(*words, "--seed", "7").stdout)
        self.assertNotEqual(first, self.murder(*words, "--seed", "8").stdout)

    def test_the_result_for_people_and_the_picture(self):
        picture = self.path("rollout.svg")
        text = self.murder("simulate", *SMALL, "--plot", str(picture)).stdout
        for word in ("floor", "last host", "seeder's copies", "came in vain", "messages of a host", "####"):
            self.assertIn(word, text)
        root = xml.etree.ElementTree.parse(picture).getroot()
        self.assertTrue(root.tag.endswith("svg"))
        self.assertIn("times the floor", picture.read_text())

    def test_a_seeder_that_leaves_too_soon_is_a_failure_that_is_told(self):
        result = self.murder("simulate", *SMALL, "--seeder-leaves", "0.5", "--json", code=1)
        self.assertGreater(json.loads(result.stdout)["pieces_lost"], 0)

    def test_a_scenario_can_be_run_again(self):
        text = self.murder("simulate", "--scenario", "3").stdout
        self.assertIn("hosts in pieces of", text)

    def test_the_control_plane_in_trouble(self):
        words = ("simulate", "--control", "--seed", "5", "--count", "20", "--json")
        first = self.murder(*words).stdout
        result = json.loads(first)
        self.assertEqual((result["seed"], result["count"], result["faults"]), (5, 20, []))
        self.assertGreater(result["activations"], 100)
        self.assertEqual(first, self.murder(*words).stdout)
        text = self.murder("simulate", "--control", "--seed", "5").stdout
        for word in ("hosts in", "commands", "1 seeds from 5: 0 faults"):
            self.assertIn(word, text)
        self.assertIn("--control", self.murder("simulate", "--count", "3", code=2).stderr)

    def test_wrong_usage(self):
        for words in (["--slow", "1%"], ["--slow", "1%:2"], ["--die", "101%"], ["--rack-uplink", "1gbit"],
                      ["--piece-size", "17KiB"], ["--size", "0"], ["--hosts", "0"], ["--join-over", "soon"],
                      ["--seeder-leaves", "-1"]):
            with self.subTest(words=words):
                self.assertIn("murder simulate", self.murder("simulate", *words, code=2).stderr)


class Plan(MurderCase):
    def test_a_plan_predicts_and_touches_no_host(self):
        source = self.path("release")
        source.write_bytes(b"x" * 3_000_000)
        hosts = self.path("hosts")
        hosts.write_text("".join(f"none{number}.invalid\n" for number in range(20)))
        result = self.murder("deploy", str(source), "--tag", "v1", "--to", "/srv", "--hosts", str(hosts),
                             "--plan", "--plan-rate", "1gbit", "--json")
        plan = json.loads(result.stdout)
        self.assertEqual((plan["hosts"], plan["size_bytes"]), (20, 3_000_000))
        self.assertGreater(plan["last_s"], 3_000_000 / 125e6)
        text = self.murder("deploy", str(source), "--tag", "v1", "--to", "/srv", "--hosts", str(hosts), "--plan").stdout
        self.assertIn("nothing was done on any host", text)

    def test_a_plan_needs_the_source_here(self):
        refused = self.murder("deploy", "/nowhere", "--tag", "v1", "--to", "/srv", "--host", "none.invalid", "--plan",
                              code=1)
        self.assertIn("/nowhere", refused.stderr)


class WhatCannotBeSimulated(MurderCase):
    def test_is_wrong_usage(self):
        for arguments, says in ((("--die", "99%"), "no host alive"), (("--rate", "10"), "write a unit")):
            with self.subTest(arguments=arguments):
                self.assertIn(says, self.murder("simulate", "--hosts", "20", *arguments, code=2).stderr)


if __name__ == "__main__":
    unittest.main()
