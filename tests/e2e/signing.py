"""Signed releases, made here by ssh-keygen and by hand, so that they can be made wrong; and two contents of one SHA-1."""

import base64
import datetime
import hashlib
import shutil
import subprocess
import tempfile
import pathlib

from torrents import bdecode, bencode

NAMESPACE = "murder-release"
HAS_SSH_KEYGEN = shutil.which("ssh-keygen") is not None

# Two texts of 320 bytes whose SHA-1 is the same, at the start of a piece of any length: the first blocks of the two
# files that M. Stevens, E. Bursztein, P. Karpman, A. Albertini and Y. Markov published in 2017 (https://shattered.io).
_BEFORE = bytes.fromhex(
    "255044462d312e330a25e2e3cfd30a0a0a312030206f626a0a3c3c2f57696474682032203020522f4865696768742033203020522f547970"
    "652034203020522f537562747970652035203020522f46696c7465722036203020522f436f6c6f7253706163652037203020522f4c656e67"
    "74682038203020522f42697473506572436f6d706f6e656e7420383e3e0a73747265616d0affd8fffe00245348412d312069732064656164"
    "2121212121852fec092339759c39b1a1c63c4c97e1fffe01")
COLLIDING = tuple(_BEFORE + bytes.fromhex(text) for text in (
    "7f46dc93a6b67e013b029aaa1db2560b45ca67d688c7f84b8c4c791fe02b3df614f86db1690901c56b45c1530afedfb76038e972722fe7ad"
    "728f0e4904e046c230570fe9d41398abe12ef5bc942be33542a4802d98b5d70f2a332ec37fac3514e74ddc0f2cc1a874cd0c78305a215664"
    "61309789606bd0bf3f98cda8044629a1",
    "7346dc9166b67e118f029ab621b2560ff9ca67cca8c7f85ba84c79030c2b3de218f86db3a90901d5df45c14f26fedfb3dc38e96ac22fe7bd"
    "728f0e45bce046d23c570feb141398bb552ef5a0a82be331fea48037b8b5d71f0e332edf93ac3500eb4ddc0decc1a864790c782c76215660"
    "dd309791d06bd0af3f98cda4bc4629b1"))


def time_text(seconds_from_now=0):
    when = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds_from_now)
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def make_key(directory, name, kind="ed25519"):
    """The path of a private key; NAME.pub lies beside it."""
    path = pathlib.Path(directory) / name
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", name, "-f", str(path)], check=True, timeout=60)
    return path


def public_key(key):
    return " ".join(pathlib.Path(f"{key}.pub").read_text().split()[:2])


def allowed_line(key, principal="ann@example.net", options=""):
    return f"{principal} {options + ' ' if options else ''}{public_key(key)}\n"


def armour_of(text, key, namespace=NAMESPACE):
    """The signature of ssh-keygen over a text, as it writes it."""
    with tempfile.TemporaryDirectory() as directory:
        message = pathlib.Path(directory) / "message"
        message.write_bytes(text)
        subprocess.run(["ssh-keygen", "-q", "-Y", "sign", "-f", str(key), "-n", namespace, str(message)], check=True,
                       capture_output=True, timeout=60)
        return message.with_suffix(".sig").read_bytes()


def sign(text, key, namespace=NAMESPACE):
    """The same as the bytes that it stands for."""
    return base64.b64decode("".join(armour_of(text, key, namespace).decode().splitlines()[1:-1]))


def statement_of(torrent, content, **changed):
    """The text that is signed. `torrent` is what was read of a .torrent; None leaves a field out."""
    info = torrent[b"info"]
    name = info[b"name"].decode()
    fields = {
        "application": None,
        "tag": name.removesuffix(".tar.zst").removesuffix(".tar.gz").removesuffix(".tar"),
        "info-hash": hashlib.sha1(bencode(info)).hexdigest(),
        "sha256": hashlib.sha256(content).hexdigest(),
        "size": len(content),
        "serial": 1,
        "time": time_text(-60),
        "expires": None,
    }
    fields.update({key.replace("_", "-"): value for key, value in changed.items()})
    lines = ["murder-release 1", *(f"{key} {value}" for key, value in fields.items() if value is not None)]
    return ("\n".join(lines) + "\n").encode()


def with_signatures(torrent, text, signatures):
    """The bytes of a torrent that carries this statement."""
    return bencode({**torrent, b"signed release": {"statement": text, "signatures": list(signatures)}})


def sign_torrent(path, content, *keys, to=None, namespace=NAMESPACE, **changed):
    """Signs the torrent at `path`, in place or as `to`. Returns the path."""
    torrent = bdecode(pathlib.Path(path).read_bytes())
    text = statement_of(torrent, content, **changed)
    to = pathlib.Path(to or path)
    to.write_bytes(with_signatures(torrent, text, [sign(text, key, namespace) for key in keys]))
    return to
