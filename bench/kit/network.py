"""A network of the run's own: other programs' ports are not in the way, and there are addresses that are
not in 127.0.0.0/8, which Transmission does not dial."""

import contextlib
import ctypes
import os
import pathlib
import subprocess

from kit.context import BenchError

_CLONE_NEWNET = 0x40000000

# Of the namespace of who looks; the machine's choice is inherited.
_CONGESTION_CONTROL = pathlib.Path("/proc/sys/net/ipv4/tcp_congestion_control")


class Network:
    def __init__(self, is_own):
        self.is_own = is_own
        self._host = 0

    def in_words(self):
        """For the notes of a result."""
        place = "A network namespace of its own, loopback only" if self.is_own else "127.0.0.0/8"
        return f"{place}, TCP with {_CONGESTION_CONTROL.read_text().strip()}."

    def address(self):
        """One that nobody else of this run has."""
        self._host += 1
        high, low = divmod(self._host - 1, 250)
        assert high < 150
        return f"10.98.{high}.{low + 1}" if self.is_own else f"127.{98 + high}.{os.getpid() % 250}.{low + 1}"


def _take_congestion_control(name):
    try:
        _CONGESTION_CONTROL.write_text(name)
    except OSError as error:
        allowed = pathlib.Path("/proc/sys/net/ipv4/tcp_allowed_congestion_control").read_text().strip()
        raise BenchError(f"a namespace of this machine may not have TCP with {name} ({error.strerror}), "
                         f"but: {allowed}") from error


@contextlib.contextmanager
def own_network(congestion=None):
    """As root: this thread and what it starts are in a network namespace of their own, with a loopback
    interface alone; `congestion` names TCP's congestion control there, the machine's own if it is None. Otherwise
    127.0.0.0/8 of this machine."""
    if os.geteuid() != 0:
        if congestion is not None:
            raise BenchError("--congestion needs root: it is set in a network namespace")
        yield Network(False)
        return
    libc = ctypes.CDLL(None, use_errno=True)
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if libc.unshare(_CLONE_NEWNET) != 0:
            yield Network(False)
            return
        try:
            # On a loopback interface every address of a prefix is the host's own.
            commands = ["link set lo up", "address add 10.98.0.1/16 dev lo"]
            subprocess.run(["ip", "-batch", "-"], input="\n".join(commands) + "\n", text=True, check=True,
                           timeout=60, capture_output=True)
            if congestion is not None:
                _take_congestion_control(congestion)
            yield Network(True)
        finally:
            if libc.setns(before, _CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "cannot go back to the network this was started in")
    finally:
        os.close(before)
