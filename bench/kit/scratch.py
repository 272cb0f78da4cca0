"""The directory a run keeps its files in: made by the run, removed by it."""

import os
import pathlib
import shutil
import tempfile

from kit.processes import ProcessError


class SpaceError(ProcessError):
    pass


class Scratch:
    def __init__(self, parent):
        parent = pathlib.Path(parent)
        parent.mkdir(parents=True, exist_ok=True)
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="murder-bench-", dir=parent))

    def need(self, size_bytes, what):
        """Fails at once when the file system has not this much room."""
        free = shutil.disk_usage(self.path).free
        if free < size_bytes:
            raise SpaceError(f"{what} needs {size_bytes / 1e9:.1f} GB in {self.path}, and {free / 1e9:.1f} GB are "
                             "free: name another directory with --scratch, or less with --size")

    def directory(self, name):
        """An empty one."""
        path = self.path / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        return path

    def random_file(self, name, size_bytes):
        """A file that no one can compress, made once; all of it is in the page cache and on the disk."""
        path = self.path / name
        if not path.exists():
            self.need(size_bytes, f"a file of {size_bytes / 1e9:.1f} GB")
            left = size_bytes
            with open(f"{path}.part", "wb") as file:
                while left > 0:
                    left -= file.write(os.urandom(min(left, 1 << 22)))
                file.flush()
                os.fsync(file.fileno())
            os.rename(f"{path}.part", path)
        return path

    def remove(self):
        shutil.rmtree(self.path, ignore_errors=True)


def warm(path):
    """Reads it through, so that it comes from the page cache from now on."""
    buffer = bytearray(1 << 20)
    with open(path, "rb", buffering=0) as file:
        while file.readinto(buffer):
            pass
