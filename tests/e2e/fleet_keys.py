"""The fleet key as docs/protocol.md has it, written anew: key files, the proof between peers, tokens at a tracker."""

import hashlib
import hmac
import os
import secrets
import struct
import time

HEAD = b"murder\x00\x01"
FRAME_BYTES = 72
SEALED_BYTES = 100


def mac(key, message):
    return hmac.digest(key, message, "sha256")


def hkdf(secret, salt, info):
    return mac(mac(salt, secret), info + b"\x01")


def new_secret():
    return secrets.token_bytes(32)


def key_line(secret, kind="fleet"):
    text = f"murder-{kind}-1-{secret.hex()}"
    return f"{text}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def write_keys(path, *lines, mode=0o600):
    """A key file of these lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(line + "\n" for line in lines))
    path.chmod(mode)
    return path


class SwarmKeys:
    def __init__(self, secret, info_hash):
        self.hello, self.answer, self.dialler_seal, self.acceptor_seal = (
            hkdf(secret, info_hash, b"murder peer 1 " + name)
            for name in (b"hello", b"answer", b"dialler seal", b"acceptor seal"))


def hello(keys, nonce=None):
    begin = HEAD + (nonce or os.urandom(32))
    return begin + mac(keys.hello, begin)


def answer(keys, to_hello, nonce=None):
    begin = HEAD + (nonce or os.urandom(32))
    return begin + mac(keys.answer, to_hello + begin)


def sealed(key, frames, handshake):
    return mac(key, frames + handshake) + handshake


def dial(wire, keys, handshake):
    """Proves the key to an acceptor; its handshake."""
    frames = hello(keys)
    wire.send(frames)
    frames += wire.read(FRAME_BYTES)
    assert answer(keys, frames[:72], frames[80:112]) == frames[72:], "not an answer to this hello"
    wire.send(sealed(keys.dialler_seal, frames, handshake))
    reply = wire.read(SEALED_BYTES)
    assert sealed(keys.acceptor_seal, frames, reply[32:]) == reply, "not the seal of its handshake"
    return reply[32:]


def accept(wire, keys, handshake):
    """The same, with one who dialled."""
    frames = wire.read(FRAME_BYTES)
    assert hello(keys, frames[8:40]) == frames, "not a hello of this swarm"
    frames += answer(keys, frames)
    wire.send(frames[72:])
    remote = wire.read(SEALED_BYTES)
    assert sealed(keys.dialler_seal, frames, remote[32:]) == remote, "not the seal of its handshake"
    wire.send(sealed(keys.acceptor_seal, frames, handshake))
    return remote[32:]


def signed_target(secret, target, time_s=None, kind=b"fleet"):
    """A request of a closed tracker, with the token of a member (or an operator)."""
    time_text = str(int(time.time() if time_s is None else time_s)).encode()
    digest = mac(hkdf(secret, b"", b"murder token 1 " + kind), time_text + b"\n" + target.encode())
    return f"{target}{'&' if '?' in target else '?'}token={time_text.decode()}-{digest.hex()[:32]}"


def link_hello(secret, nonce=None):
    """What an agent of a closed fleet asks for its link with."""
    head = f"1-{(nonce or os.urandom(32)).hex()}"
    return f"{head}-{mac(hkdf(secret, b'', b'murder link 1 hello'), head.encode()).hex()}"


def link_answer(secret, to_hello, nonce, coordinator):
    """The proof in a coordinator's challenge."""
    return mac(hkdf(secret, b"", b"murder link 1 answer"), f"{to_hello}\n{nonce}\n{coordinator}\n".encode()).hex()


class LinkSeal:
    """The MACs of one side's messages, and of the other's."""

    def __init__(self, secret, proof, role):
        other = {"agent": "coordinator", "coordinator": "agent"}[role]
        self.own, self.remote = (hkdf(secret, proof.encode(), b"murder link 1 " + name.encode()) for name in (role, other))
        self.sealed = self.opened = 0

    def seal(self, text):
        self.sealed += 1
        return text + mac(self.own, struct.pack(">Q", self.sealed - 1) + text)

    def open(self, message):
        text, proof = message[:-32], message[-32:]
        assert mac(self.remote, struct.pack(">Q", self.opened) + text) == proof, "not the next message of the other side"
        self.opened += 1
        return text


def viewer_line(secret):
    return key_line(hkdf(secret, b"", b"murder viewer 1"), "viewer")
