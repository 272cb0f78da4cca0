"""How the program is built: what checksec would look for, read from the program with readelf."""

import collections
import os
import platform
import re
import shutil
import subprocess
import unittest

from harness import PROGRAM

# The instruction that a function begins with which may be jumped to.
ENDBR64 = bytes.fromhex("f30f1efa")
PACIASP = bytes.fromhex("3f2303d5")
BTI_C = bytes.fromhex("5f2403d5")
ENTRY_BYTES = {"x86_64": {ENDBR64}, "aarch64": {PACIASP, BTI_C}}


@unittest.skipUnless(shutil.which("readelf"), "there is no readelf (package binutils)")
class Hardening(unittest.TestCase):
    def readelf(self, *options):
        return subprocess.run(
            ["readelf", "-W", *options, PROGRAM], check=True, capture_output=True, text=True).stdout

    def test_it_is_loaded_at_a_random_address(self):
        self.assertRegex(self.readelf("-h"), r"Type:\s+DYN")
        self.assertRegex(self.readelf("-d"), r"FLAGS_1.*\bPIE\b")

    def test_tables_of_the_linker_are_read_only_once_it_is_loaded(self):
        self.assertRegex(self.readelf("-l"), r"(?m)^\s+GNU_RELRO\b")
        self.assertRegex(self.readelf("-d"), r"FLAGS_1.*\bNOW\b|BIND_NOW")

    def test_no_memory_is_both_writable_and_executable(self):
        segments = re.findall(r"(?m)^\s+(LOAD|GNU_STACK)\s+(?:0x\w+\s+){5}([RWE ]{3})", self.readelf("-l"))
        self.assertIn("GNU_STACK", {kind for kind, _ in segments})
        for kind, flags in segments:
            self.assertFalse("W" in flags and "E" in flags, f"{kind} {flags}")

    def test_libraries_are_looked_for_where_the_system_has_them(self):
        self.assertNotRegex(self.readelf("-d"), r"R(UN)?PATH")

    @unittest.skipUnless(shutil.which("objdump"), "there is no objdump (package binutils)")
    def test_our_functions_check_their_stack_and_lengths(self):
        """What the distribution's static libraries do for themselves does not count."""
        calls = self.calls_of_ours()
        self.assertGreater(calls["__stack_chk_fail"], 200, calls)
        if not os.environ.get("MURDER_SANITIZED"):  # sanitizers check the same calls
            lengths = {name for name in calls if name.endswith("_chk")}
            self.assertGreater(len(lengths), 1, calls)

    def calls_of_ours(self):
        """How often functions of ours call each of the checks."""
        code = subprocess.run(
            ["objdump", "-d", "--no-show-raw-insn", PROGRAM], check=True, capture_output=True, text=True).stdout
        calls = collections.Counter()
        is_ours = False
        for name, called in re.findall(r"(?m)^[0-9a-f]+ <(.+)>:$|<(__\w+_chk(?:_fail)?)@plt>", code):
            if name:
                is_ours = "6murder" in name
            elif is_ours:
                calls[called] += 1
        return calls

    @unittest.skipUnless(platform.machine() in ENTRY_BYTES, "neither x86 nor arm64")
    def test_functions_begin_with_a_mark_for_indirect_jumps(self):
        entries = self.first_instructions(r"murder::(cli|node|swarm|tracker|codec|io)::|^main$")
        if len(entries) < 100:
            self.skipTest("the program has no symbols")
        marked = sum(entry in ENTRY_BYTES[platform.machine()] for entry in entries)
        # Not of static functions that nobody takes the address of.
        self.assertGreater(marked / len(entries), 0.5)

    def first_instructions(self, wanted):
        """The first four bytes of each function whose name fits."""
        sections = {number: (int(address, 16), int(offset, 16)) for number, address, offset in re.findall(
            r"(?m)^\s+\[\s*(\d+)\]\s+\S+\s+PROGBITS\s+(\w+)\s+(\w+)", self.readelf("-S"))}
        found = []
        with open(PROGRAM, "rb") as program:
            for value, number, name in re.findall(
                    r"(?m)^\s+\d+:\s+(\w+)\s+\d+\s+FUNC\s+\S+\s+\S+\s+(\d+)\s+(.+)$", self.readelf("-s", "--demangle")):
                if re.search(wanted, name) and number in sections:
                    address, offset = sections[number]
                    program.seek(int(value, 16) - address + offset)
                    found.append(program.read(4))
        return found


if __name__ == "__main__":
    unittest.main()
