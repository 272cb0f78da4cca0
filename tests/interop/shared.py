"""What the end-to-end tests have already, for use here, and addresses of both families."""

import contextlib
import pathlib
import socket
import sys

# Behind this folder, whose modules have some names of theirs.
sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))

from harness import MurderCase, Running, free_address, wait_until  # noqa: E402

__all__ = ["MurderCase", "Running", "endpoint_text", "free_address", "free_port", "wait_until"]


def free_port(address):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with contextlib.closing(socket.socket(family)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((address, 0))
        return probe.getsockname()[1]


def endpoint_text(address, port):
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
