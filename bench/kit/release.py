"""A release of one file, and a torrent of it for each swarm that shall know nothing of the others."""

import dataclasses
import pathlib


@dataclasses.dataclass(frozen=True)
class Release:
    torrent: pathlib.Path
    content: pathlib.Path  # lies alone in its directory, under the torrent's name
    size_bytes: int


def _end_of(data, position):
    """Where the bencoded value at `position` ends."""
    kind = data[position : position + 1]
    if kind == b"i":
        return data.index(b"e", position) + 1
    if kind in (b"l", b"d"):
        position += 1
        while data[position : position + 1] != b"e":
            position = _end_of(data, position)
        return position + 1
    colon = data.index(b":", position)
    return colon + 1 + int(data[position:colon])


def raw_info(torrent):
    data = pathlib.Path(torrent).read_bytes()
    position = 1
    while data[position : position + 1] != b"e":
        value = _end_of(data, position)
        end = _end_of(data, value)
        if data[position:value] == b"4:info":
            return data[value:end]
        position = end
    raise ValueError(f"{torrent}: no info")


class Releases:
    """Hashes the file once, with murder create; further torrents of it differ in their tracker alone."""

    def __init__(self, context, size_bytes, piece_size=None):
        self._context = context
        self._counter = 0
        self.size_bytes = size_bytes
        context.scratch.directory("source")
        self.content = context.scratch.random_file("source/release.bin", size_bytes)
        made = context.murder(
            "create", self.content, "--tag", "release.bin", "--tracker", "127.0.0.1:1", "--temp-path",
            context.scratch.directory("created"), *(["--piece-size", piece_size] if piece_size else []), seconds=600)
        self._info = raw_info(made["torrent"])
        # A hard link to the content by now, which a seeder of ours does not need.
        pathlib.Path(made["archive"]).unlink()

    def with_tracker(self, endpoint):
        self._counter += 1
        path = self._context.scratch.directory(f"torrent-{self._counter}") / "release.bin.torrent"
        announce = f"http://{endpoint}/announce".encode()
        path.write_bytes(b"d8:announce%d:%s4:info%se" % (len(announce), announce, self._info))
        return Release(path, self.content, self.size_bytes)
