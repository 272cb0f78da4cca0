"""What documents point to is there: files and headings of links, files and paths of the project that are named as code,
and all that is on the wire."""

import pathlib
import re
import subprocess
import unittest

from harness import ROOT

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
# A path of several parts in one of the project's folders, without variable parts such as TAG or NAME.
PATH = re.compile(r"`((?:bench|docs|integrations|packaging|src|tests)/[\w./@-]+)`")
# A source file, by the end of its path.
FILE = re.compile(r"`([\w./]+\.(?:h|cc|py))`")
# They tell of their day, also of files that are gone.
DATED = ("docs/notebook/", "bench/results/")

# Of an announce, in BEP 3, 7 and 23.
KEYS_OF_BEPS = set("info_hash peer_id port left uploaded downloaded event numwant compact no_peer_id ip ipv4 ipv6 key"
                   " trackerid".split())


def files_of_the_project(*patterns):
    return subprocess.run(["git", "-C", ROOT, "ls-files", *patterns], capture_output=True, text=True, check=True).stdout.split()


def documents():
    return {name: without_code((ROOT / name).read_text(encoding="utf-8")) for name in files_of_the_project("*.md")}


def place_of(path, document):
    """Where a path is that a document names: from the top of the project, or of the subproject that it is of."""
    parts = pathlib.PurePath(document).parts
    return ROOT.joinpath(*parts[:2] if parts[0] == "subprojects" else (), path)


def without_code(text):
    return re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)


def anchors_of(text):
    """As GitHub and GitLab make them of headings."""
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@unittest.skipUnless((ROOT / ".git").exists(), "not a clone")
class Documents(unittest.TestCase):
    def test_links_lead_somewhere(self):
        texts = documents()
        count = 0
        for name, text in texts.items():
            for target in LINK.findall(text):
                if "://" in target:
                    continue
                count += 1
                path, _, anchor = target.partition("#")
                place = (ROOT / name).parent / path if path else ROOT / name
                with self.subTest(document=name, link=target):
                    self.assertTrue(place.exists())
                    if anchor:
                        self.assertIn(anchor, anchors_of(texts[str(place.resolve().relative_to(ROOT))]))
        self.assertGreater(count, 20)

    def test_files_that_are_named_exist(self):
        listed = files_of_the_project()
        for name, text in documents().items():
            for file in [] if name.startswith(DATED) else FILE.findall(text):
                with self.subTest(document=name, file=file):
                    self.assertTrue(any(path == file or path.endswith("/" + file) for path in listed))

    def test_paths_of_the_project_exist(self):
        for name, text in documents().items():
            for path in PATH.findall(text):
                with self.subTest(document=name, path=path):
                    self.assertTrue(name.startswith(DATED) or place_of(path, name).exists())

    def test_the_page_of_the_protocol_has_all_that_is_on_the_wire(self):
        page = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
        codec = ROOT / "src" / "engine" / "codec"
        kinds = re.findall(r"^  (\w+) = (\d+),", (codec / "grant_message.h").read_text(), re.MULTILINE)
        self.assertGreater(len(kinds), 5)
        for name, number in kinds:
            self.assertIn(f"| {number} | {name} |", page)
        keys = set(re.findall(r'key == "(\w+)"', (codec / "announce.cc").read_text())) - KEYS_OF_BEPS
        keys |= set(re.findall(r'"(mu_\w+)"', (codec / "extension_handshake.cc").read_text()))
        keys |= set(re.findall(r'find_integer\("((?:hosts|unpacked) \w+)"', (codec / "metainfo.cc").read_text()))
        self.assertGreater(len(keys), 10)
        for key in keys:
            self.assertIn(f"| `{key}` |", page)


if __name__ == "__main__":
    unittest.main()
