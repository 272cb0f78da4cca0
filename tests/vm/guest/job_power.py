"""One life of a host between two power cuts: looks at what the last one left, goes on with the release it broke off, then
fetches and activates one release after the other until the power goes."""

import os
import pathlib
import shutil

import host

DATA = pathlib.Path("/data")
APP = DATA / "app"
SOURCES = pathlib.Path("/var/tmp/power")
RELEASES_KEPT = 3


def expected(release):
    """The tree that this release has to be."""
    place = SOURCES / f"tree-{release}"
    return place if place.exists() else host.make_tree(place, f"release {release}", file_count=40, big_bytes=600_000)


def number_of(path):
    return int(path.name.removeprefix("r"))


def look(state):
    """What is wrong after the cut; empty when nothing is."""
    current = APP / "current"
    if not os.path.lexists(current):
        return "" if state["acknowledged"] == 0 else f"release {state['acknowledged']} was activated, current is gone"
    if not current.is_symlink() or not current.exists():
        return f"current names nothing: {os.readlink(current)}"
    release = number_of(current.resolve())
    if not state["acknowledged"] <= release <= state["release"]:
        return f"current is release {release}; {state['acknowledged']} was activated, {state['release']} was under way"
    for place in sorted(APP.glob("r*")):
        if text := host.difference(expected(number_of(place)), place):
            return f"{place}{' (current)' if place == current.resolve() else ''} is not whole: {text[:600]}"
    return ""


def fetch(release, tracker, peer_options):
    """A peer and activate, acknowledged when each has returned."""
    host.murder("seed", make_torrent(release, tracker), "--ip", "127.0.0.2", "--background")
    host.say(f"PEER {release}")
    host.murder("peer", torrent_of(release), "--to", APP, "--temp-path", DATA / "temp", "--ip", "127.0.0.3",
                "--record", "--seed-for", "0", *peer_options)
    host.murder("activate", f"r{release}", "--to", APP, *peer_options)
    host.say(f"ACTIVATED {release}")
    host.murder("stop", f"r{release}")


def torrent_of(release):
    return SOURCES / f"r{release}.tar.zst.torrent"


def make_torrent(release, tracker):
    if not torrent_of(release).exists():
        host.murder("create", expected(release), "--tag", f"r{release}", "--tracker", tracker, "--temp-path", SOURCES,
                    "--piece-size", "64KiB")
    return torrent_of(release)


def main(mount_options, state, peer_options, is_last):
    DATA.mkdir()
    host.must("mount", "-o", mount_options, "LABEL=data", DATA)
    for each in (SOURCES, APP, DATA / "temp"):
        each.mkdir(parents=True, exist_ok=True)
    text = look(state)
    if not text:
        host.say(f"WHOLE {state['release']}")  # the next cut may come before more is known
    else:
        host.say(f"LOST {' '.join(text.split())}")
        shutil.rmtree(APP)  # the next cuts begin anew
        APP.mkdir()
        state["acknowledged"] = 0
        host.say("ACTIVATED 0")
    tracker = "127.0.0.1:8998"
    host.murder("tracker", "--listen", tracker, "--background")
    release = state["release"]
    if not text:
        # The next peer goes on, whatever of it was there.
        fetch(release, tracker, peer_options)
        text = host.difference(expected(release), (APP / "current").resolve())
        if text:
            host.say(f"LOST the peer after the cut: {' '.join(text.split())}")
    if is_last:
        return
    for place in APP.glob("r*"):
        if number_of(place) <= release - RELEASES_KEPT:
            shutil.rmtree(place)
    while True:
        release += 1
        fetch(release, tracker, peer_options)
