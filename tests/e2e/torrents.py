"""Bencode and torrents, made here so that they can be made wrong."""

import hashlib


def bencode(value):
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        return b"%d:%s" % (len(value), value)
    if isinstance(value, list):
        return b"l" + b"".join(map(bencode, value)) + b"e"
    items = sorted((key.encode() if isinstance(key, str) else key, one) for key, one in value.items())
    return b"d" + b"".join(bencode(key) + bencode(one) for key, one in items) + b"e"


def bdecode(data):
    value, end = _decode(data, 0)
    if end != len(data):
        raise ValueError(f"{len(data) - end} bytes after the end")
    return value


def _decode(data, at):
    first = data[at : at + 1]
    if first == b"i":
        end = data.index(b"e", at)
        return int(data[at + 1 : end]), end + 1
    if first == b"l":
        values, at = [], at + 1
        while data[at : at + 1] != b"e":
            value, at = _decode(data, at)
            values.append(value)
        return values, at + 1
    if first == b"d":
        values, at = {}, at + 1
        while data[at : at + 1] != b"e":
            key, at = _decode(data, at)
            values[key], at = _decode(data, at)
        return values, at + 1
    colon = data.index(b":", at)
    end = colon + 1 + int(data[at:colon])
    return data[colon + 1 : end], end


class Torrent:
    """A torrent of one file, with its content."""

    def __init__(self, name, content, piece_bytes=16384, trackers=()):
        self.name = name
        self.content = content
        self.piece_bytes = piece_bytes
        self.piece_count = -(-len(content) // piece_bytes)
        self.info = {
            "name": name,
            "length": len(content),
            "piece length": piece_bytes,
            "pieces": b"".join(hashlib.sha1(self.piece(index)).digest() for index in range(self.piece_count)),
        }
        self.top = {"info": self.info}
        if trackers:
            self.top["announce"] = trackers[0]
            self.top["announce-list"] = [[each] for each in trackers]

    @property
    def info_hash(self):
        return hashlib.sha1(bencode(self.info)).digest()

    def piece(self, index):
        return self.content[index * self.piece_bytes : (index + 1) * self.piece_bytes]

    def encoded(self):
        return bencode(self.top)

    def write(self, directory):
        """DIRECTORY/NAME.torrent."""
        path = directory / (self.name + ".torrent")
        path.write_bytes(self.encoded())
        return path

    def write_content(self, directory):
        path = directory / self.name
        path.write_bytes(self.content)
        return path
