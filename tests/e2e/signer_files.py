"""Files of allowed signers made at random: right ones, and ones that are wrong in what a parser may take too leniently.
Signatures of keys on tokens, made by openssl(1) as a token would."""

import base64
import hashlib
import pathlib
import struct
import subprocess

NAMES = ("ann@example.net", "bob", "ann", "release", "ANN@example.net", "x")
PATTERNS = NAMES + ("*", "*@example.net", "ann@*", "?nn@example.net", "a*n@*.net", "!bob", "!ann@example.net", "!*", "", "a?",
                    "*@*", "**", "ann@example.net.evil", "!", "!!bob", "*,", "x" * 1030)
NAMESPACES = ("murder-release", "*", "murder-*", "file", "!file", "!murder-release", "murder-releas?", "", "MURDER-release",
              "murder-release ", "git", "m*e")
TIMES = ("20261129", "202611291200", "20261129120000", "20261129115959", "20261129120001", "20261128", "20261130", "20261301",
         "20260230", "20261131", "2026112912", "2026", "", "20261129126000", "20261129125960", "20261129245959", "0000112912",
         "19700101", "19691231", "19700102", "99991231", "20261129 120", "+2026112", "2026-11-29", " 2026112", "2026 1 1",
         "20261129120061", "20261129120062", "20380119031407", "21060207062815", "20261129\t", "20261129x")
ZONES = ("", "Z", "z", "UTC", "utc", "UtC", " Z", "ZZ", "+0100", "GMT", "ZUTC")
BLANKS = (" ",) * 9 + ("  ", "\t", " \t ", "\v", "\f", "\r")
WORDS = ("cert-authority", "Cert-Authority", "cert-authority=", "cert-authorityx", "verify-required", "no-touch-required",
         "cert-authority=\"yes\"", "namespaces", "namespaces=", "namespaces=\"", "valid-after", "ssh-ed25519", "\"", "\\\"", "=")


def _some(random, items, least, most):
    return [random.choice(items) for _ in range(random.randint(least, most))]


def _principals(random):
    if random.randint(0, 1) == 0:
        return random.choice(("*", "ann@example.net,bob", "*@example.net,!bob", "ann,bob,release", "?*", "\"*\"", "a*,x,bob"))
    text = ",".join(_some(random, PATTERNS, 1, 3))
    kind = random.randint(0, 9)
    if kind == 0:
        return f'"{text}"'
    if kind == 1:
        at = random.randint(0, len(text))
        return f'{text[:at]}"{text[at:]}"'
    if kind == 2:
        at = random.randint(0, len(text))
        return text[:at] + random.choice(('"', "\\", " ", "\t", "\\\"", "#")) + text[at:]
    return text


RIGHT = ('namespaces="murder-*"', 'namespaces="x,murder-release"', 'NAMESPACES="*"', 'valid-after="20261128Z"',
         'valid-before="20261201Z"', 'valid-before="20261129120000Z"', 'valid-after="202611291200Z"', 'valid-after="20261129"')


def _option(random):
    if random.randint(0, 2) > 0:
        return random.choice(RIGHT)
    kind = random.randint(0, 8)
    if kind <= 2:
        name = random.choice(("namespaces", "namespaces", "NameSpaces", "namespace"))
        value = random.choice(("murder-release", "murder-*", "x,murder-release", ",".join(_some(random, NAMESPACES, 1, 3))))
    elif kind <= 5:
        name = random.choice(("valid-after", "valid-before", "VALID-before", "valid-After"))
        value = random.choice(TIMES) + random.choice(ZONES)
    else:
        return random.choice(WORDS)
    quoting = random.randint(0, 23)
    if quoting == 0:
        return f"{name}={value}"
    if quoting == 1:
        return f'{name}="{value}'
    if quoting == 2:
        return f'{name}="{value}"x'
    if quoting == 3:
        return f'{name} = "{value}"'
    if quoting == 4:
        return f'{name}="\\"{value}"'
    return f'{name}="{value}"'


def _options(random, is_authority):
    items = [random.choice(("cert-authority", "cert-authority", "Cert-AUTHORITY"))] if is_authority else []
    items += _some(random, [_option(random) for _ in range(4)], 0, random.choice((0, 1, 1, 3)))
    random.shuffle(items)
    return random.choice((",",) * 12 + (",,", ";", ", ")).join(items)


def _key(random, keys):
    kind, text = random.choice(keys).split()[:2]
    flaw = random.randint(0, 44)
    if flaw == 0:
        return f"{kind} {text[:-1]}"
    if flaw == 1:
        return f"{kind} {text}A"
    if flaw == 2:
        return f"{kind} {text.rstrip('=')}"
    if flaw == 3:
        return f"{random.choice(keys).split()[0]} {text}"
    if flaw == 4:
        return f"{kind.upper()} {text}"
    if flaw == 5:
        at = random.randint(1, len(text) - 1)
        return f"{kind} {text[:at]} {text[at:]}"
    if flaw == 6:
        return f"{kind}{text}"
    if flaw == 7:
        return f"{kind} {text}=="
    if flaw == 8:
        at = random.randint(0, len(text) - 1)
        return f"{kind} {text[:at]}{random.choice('AQg_-=')}{text[at + 1:]}"
    return f"{kind}{random.choice(BLANKS)}{text}"


def line(random, keys, is_authority=False):
    """A line, without its end."""
    blank = random.choice(BLANKS)
    options = _options(random, is_authority and random.randint(0, 7) > 0)
    parts = [_principals(random)] + ([options] if options else []) + [_key(random, keys)]
    text = blank.join(parts) + random.choice(("", "", "", " a comment", " \"", " # x", "\tssh-ed25519 AAAA", " ", "\r", "\r\r"))
    return random.choice(("",) * 9 + (" ", "\t", "\r", "#", "# ")) + text


def file_text(random, keys, is_authority=False):
    """A file of some lines. `is_authority`: most of them let the keys certify."""
    ends = random.choice(("\n",) * 5 + ("\r\n", "\n\n", "\r"))
    text = ends.join(line(random, keys, is_authority) for _ in range(random.choice((1, 1, 1, 2, 3)))) + random.choice((ends, ends, ""))
    if random.randint(0, 7) == 0:
        at = random.randint(0, len(text) - 1)
        text = text[:at] + random.choice(("", " ", "\"", ",", "!", "*", "\\", "\n", "=", "\x7f", "\u00e9", "#")) + text[at + 1:]
    return text


# --- Keys on tokens ---

def _string(data):
    return struct.pack(">I", len(data)) + data


def _number(value):
    return _string(value.to_bytes(value.bit_length() // 8 + 1, "big"))


class TokenKey:
    """A key as it would be on a token. `kind` is ed25519 or ecdsa."""

    APPLICATION = b"ssh:"

    def __init__(self, directory, name, kind):
        self.kind = kind
        self.private = pathlib.Path(directory) / f"{name}.pem"
        options = ["-algorithm", "ed25519"] if kind == "ed25519" else ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
        self._openssl("genpkey", *options, "-out", self.private)
        der = self._openssl("pkey", "-in", self.private, "-pubout", "-outform", "DER")
        if kind == "ed25519":
            self.type = b"sk-ssh-ed25519@openssh.com"
            fields = _string(der[-32:])
        else:
            self.type = b"sk-ecdsa-sha2-nistp256@openssh.com"
            fields = _string(b"nistp256") + _string(der[-65:])
        self.blob = _string(self.type) + fields + _string(self.APPLICATION)
        self.public = pathlib.Path(directory) / f"{name}.pub"
        self.public.write_text(f"{self.line} {name}\n")

    @property
    def line(self):
        return f"{self.type.decode()} {base64.b64encode(self.blob).decode()}"

    @staticmethod
    def _openssl(*arguments, **options):
        return subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=60, **options).stdout

    def _sign(self, data):
        path = self.private.with_suffix(".data")
        path.write_bytes(data)
        if self.kind == "ed25519":
            return self._openssl("pkeyutl", "-sign", "-rawin", "-inkey", self.private, "-in", path)
        der = self._openssl("dgst", "-sha256", "-sign", self.private, path)
        # SEQUENCE { INTEGER r, INTEGER s }, each below 128 bytes.
        size = der[3]
        r = int.from_bytes(der[4:4 + size], "big")
        s = int.from_bytes(der[6 + size:], "big")
        return _number(r) + _number(s)

    def armour(self, message, namespace, flags=1, counter=7, certificate=None, hash_name="sha512"):
        """The signature of a message, as ssh-keygen writes it. `certificate`: of this key, in wire form."""
        head = _string(namespace.encode()) + _string(b"") + _string(hash_name.encode())
        to_sign = b"SSHSIG" + head + _string(hashlib.new(hash_name, message).digest())
        by_token = hashlib.sha256(self.APPLICATION).digest() + struct.pack(">BI", flags, counter) + hashlib.sha256(to_sign).digest()
        signature = _string(self.type) + _string(self._sign(by_token)) + struct.pack(">BI", flags, counter)
        blob = b"SSHSIG" + struct.pack(">I", 1) + _string(certificate or self.blob) + head + _string(signature)
        digits = base64.b64encode(blob).decode()
        lines = [digits[begin:begin + 70] for begin in range(0, len(digits), 70)]
        return "\n".join(["-----BEGIN SSH SIGNATURE-----", *lines, "-----END SSH SIGNATURE-----", ""])
