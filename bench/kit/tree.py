"""A made-up directory as a build leaves it: many small texts, fewer large binaries. The same every time."""

import os
import random
import struct

_WORDS = 4000
_POOL_BYTES_MAX = 48 << 20


def _text_pool(generator, size_bytes):
    """Lines of words, some far more frequent than others, indented like source text."""
    letters = "etaoinshrdlucmfwypvbgkjqxz_"
    words = ["".join(generator.choices(letters, range(len(letters), 0, -1), k=generator.randint(2, 12)))
             for _ in range(_WORDS)]
    weights = [1 / (rank + 2) for rank in range(_WORDS)]
    marks = ["(", ");\n    ", " = ", ", ", ".", "\n", " {\n  ", "}\n", " ", " ", " ", " "]
    parts, size = [], 0
    while size < size_bytes:
        chosen = generator.choices(words, weights, k=100_000)
        joined = generator.choices(marks, k=100_000)
        part = "".join(word + mark for word, mark in zip(chosen, joined)).encode()
        parts.append(part)
        size += len(part)
    return b"".join(parts)


def _binary_pool(generator, size_bytes):
    """Records with counters, addresses and noise, and tables of zeros in between."""
    parts, size, address = [], 0, 0x400000
    while size < size_bytes:
        records = bytearray()
        for _ in range(2000):
            address += generator.choice((4, 8, 16, 16, 24, 40))
            records += struct.pack("<IIHH", address, generator.getrandbits(9), generator.getrandbits(4), 0x488B)
            records += generator.randbytes(generator.choice((2, 4, 6, 8)))
        parts.append(bytes(records) + bytes(generator.choice((0, 512, 4096))))
        size += len(parts[-1])
    return b"".join(parts)


def make_tree(root, size_bytes, seed=1):
    """Writes about this many bytes below `root`: two fifths in texts of some 20 KB, the rest in binaries of some
    MB, in nested directories. Returns (files, bytes)."""
    generator = random.Random(seed)
    pool_bytes = min(size_bytes, _POOL_BYTES_MAX)
    pools = {"text": _text_pool(generator, pool_bytes), "binary": _binary_pool(generator, pool_bytes)}
    written, count, text_bytes = 0, 0, 0
    while written < size_bytes:
        is_text = text_bytes < written * 2 / 5 or written == 0
        pool = pools["text" if is_text else "binary"]
        mean = 9.0 if is_text else 14.0
        size = min(int(generator.lognormvariate(mean, 1.2)) + 1, len(pool) // 2, size_bytes - written)
        start = generator.randrange(len(pool) - size)
        directory = os.path.join(root, f"part{count % 40:02}", f"module{generator.randrange(25):02}")
        os.makedirs(directory, exist_ok=True)
        name = f"file{count:06}.{'cc' if is_text else 'so'}"
        with open(os.path.join(directory, name), "wb") as file:
            file.write(pool[start : start + size])
        if not is_text:
            os.chmod(os.path.join(directory, name), 0o755)
        written += size
        text_bytes += size if is_text else 0
        count += 1
    os.sync()
    return count, written
