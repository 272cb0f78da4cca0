"""What test_namespace.py runs in a network namespace: Transmission on a private address."""

import subprocess
import unittest

from clients import Transmission
from interop_case import InteropCase
from test_clients import SMALL_RELEASE_BYTES, ClientCase


class WithTransmissionThatDials(ClientCase, InteropCase):
    kind = Transmission
    options = {"prefers_encryption": True}
    address = "10.99.0.1"
    remark = ", dials, prefers encryption"
    release_bytes = SMALL_RELEASE_BYTES

    def client_dials(self):
        return True


if __name__ == "__main__":
    for arguments in (["link", "set", "lo", "up"], ["address", "add", "10.99.0.1/32", "dev", "lo"]):
        subprocess.run(["ip", *arguments], check=True, timeout=20)
    unittest.main(defaultTest="WithTransmissionThatDials.test_downloads_from_our_seeder")
