"""A disk with a write cache that a power cut empties, for QEMU over NBD.

What the guest wrote since it last asked for a flush is in the cache. cut() keeps each block of it with a chance of one
half, as a disk that wrote its cache in an order of its own until the power went. So a guest that does not ask for
flushes where it should loses data, or their order. QEMU that is killed alone loses nothing that it was given."""

import pathlib
import shutil
import socket
import struct
import threading

BLOCK_BYTES = 4096

# The protocol: github.com/NetworkBlockDevice/nbd, doc/proto.md.
MAGIC = b"NBDMAGIC"
OPTION_MAGIC = b"IHAVEOPT"
REPLY_MAGIC = 0x3E889045565A9
FLAG_FIXED_NEWSTYLE = 1
FLAG_NO_ZEROES = 2
OPTION_EXPORT_NAME, OPTION_ABORT, OPTION_INFO, OPTION_GO = 1, 2, 6, 7
REPLY_ACK, REPLY_INFO, REPLY_UNSUPPORTED = 1, 3, (1 << 31) + 1
INFO_EXPORT = 0
EXPORT_FLAGS = 1 | 4 | 8  # has flags, can flush, knows writes through the cache (FUA)
REQUEST_MAGIC, SIMPLE_REPLY_MAGIC = 0x25609513, 0x67446698
READ, WRITE, DISCONNECT, FLUSH = 0, 1, 2, 3
COMMAND_FUA = 1
INVALID = 22


class VolatileDisk:
    """One client at a time; a context manager. Files and socket lie in `directory`."""

    def __init__(self, directory, disk_image):
        self._directory = pathlib.Path(directory)
        self._seen = self._directory / "seen.img"  # with what is in the cache only
        self._kept = pathlib.Path(disk_image)      # what a power cut leaves
        self._socket_path = self._directory / "nbd"
        self._cache = []  # (offset, bytes), in their order
        self.flush_count = 0
        self.lost_blocks = 0

    @property
    def source(self):
        return f"nbd:unix:{self._socket_path}"

    def __enter__(self):
        shutil.copyfile(self._kept, self._seen)
        self._size = self._kept.stat().st_size
        self._socket_path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self._socket_path))
        self._listener.listen(1)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._end()

    def _end(self):
        """The client is gone by now."""
        if self._listener.fileno() < 0:
            return  # was cut
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(30)
        self._listener.close()

    def cut(self, random):
        """After the client was killed: a part of the cache reaches the disk, the rest is lost."""
        self._end()
        with open(self._kept, "r+b") as kept:
            for offset, data in self._cache:
                for at in range(0, len(data), BLOCK_BYTES):
                    if random.random() < 0.5:
                        kept.seek(offset + at)
                        kept.write(data[at:at + BLOCK_BYTES])
                    else:
                        self.lost_blocks += 1
        self._cache = []

    # --- The server, in a thread of its own ---

    def _serve(self):
        try:
            client, _ = self._listener.accept()
        except OSError:
            return
        with client, open(self._seen, "r+b") as seen, open(self._kept, "r+b") as kept:
            try:
                if self._negotiate(client):
                    while self._answer(client, seen, kept):
                        pass
            except (ConnectionError, EOFError):
                pass  # killed

    @staticmethod
    def _receive(client, size):
        parts = bytearray()
        while len(parts) < size:
            part = client.recv(size - len(parts))
            if not part:
                raise EOFError
            parts += part
        return bytes(parts)

    def _negotiate(self, client):
        client.sendall(MAGIC + OPTION_MAGIC + struct.pack(">H", FLAG_FIXED_NEWSTYLE | FLAG_NO_ZEROES))
        no_zeroes = struct.unpack(">I", self._receive(client, 4))[0] & FLAG_NO_ZEROES
        export = struct.pack(">QH", self._size, EXPORT_FLAGS)

        def reply(option, kind, payload=b""):
            client.sendall(struct.pack(">QIII", REPLY_MAGIC, option, kind, len(payload)) + payload)

        while True:
            _, option, size = struct.unpack(">8sII", self._receive(client, 16))
            self._receive(client, size)
            if option == OPTION_EXPORT_NAME:
                client.sendall(export + (b"" if no_zeroes else bytes(124)))
                return True
            if option in (OPTION_INFO, OPTION_GO):
                reply(option, REPLY_INFO, struct.pack(">H", INFO_EXPORT) + export)
                reply(option, REPLY_ACK)
                if option == OPTION_GO:
                    return True
            elif option == OPTION_ABORT:
                reply(option, REPLY_ACK)
                return False
            else:
                reply(option, REPLY_UNSUPPORTED)

    def _answer(self, client, seen, kept):
        magic, flags, command, handle, offset, size = struct.unpack(">IHHQQI", self._receive(client, 28))
        if magic != REQUEST_MAGIC or command == DISCONNECT:
            return False
        error, data = 0, b""
        if command == READ:
            seen.seek(offset)
            data = seen.read(size)
        elif command == WRITE:
            written = self._receive(client, size)
            seen.seek(offset)
            seen.write(written)
            self._cache.append((offset, written))
            if flags & COMMAND_FUA:
                self._flush(kept)  # more than was asked for; a disk may
        elif command == FLUSH:
            self._flush(kept)
        else:
            error = INVALID
        client.sendall(struct.pack(">IIQ", SIMPLE_REPLY_MAGIC, error, handle) + data)
        return True

    def _flush(self, kept):
        self.flush_count += 1
        for offset, data in self._cache:
            kept.seek(offset)
            kept.write(data)
        kept.flush()  # this machine does not lose power: its page cache is the platter
        self._cache = []
