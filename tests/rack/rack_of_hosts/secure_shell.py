"""Keys and configuration: a daemon per host, and a client that knows every host's key."""

import socket
import time

from .network import RackError, run

START_SECONDS_MAX = 30
DAEMON = "/usr/sbin/sshd"
# The default of OpenSSH 9 (sntrup761x25519-sha512) takes several times the processor time at both ends.
KEY_EXCHANGE = "curve25519-sha256"
# Where a host sees what is in its directory below run/sshd.
SEEN_AT = "/run/sshd"

DAEMON_CONFIG = f"""\
Port 22
HostKey {SEEN_AT}/host_key
AuthorizedKeysFile {SEEN_AT}/authorized_keys
PidFile {SEEN_AT}/pid
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
UseDNS no
PrintMotd no
PrintLastLog no
MaxStartups 200
MaxSessions 200
Subsystem sftp internal-sftp
"""

CLIENT_CONFIG = """\
Host *
  User root
  IdentityFile "{directory}/key"
  IdentitiesOnly yes
  UserKnownHostsFile "{directory}/known_hosts"
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
  UpdateHostKeys no
  BatchMode yes
  KexAlgorithms {key_exchange}
"""

DAEMON_COMMAND = [DAEMON, "-D", "-f", f"{SEEN_AT}/config", "-E", f"{SEEN_AT}/log"]


def make_key(path, comment):
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path))
    return path.with_name(path.name + ".pub").read_text(encoding="ascii").split()[:2]


def prepare(rack_directory, addresses, host_directory):
    """`addresses`: host -> address; `host_directory(host)` is where its files lie."""
    client = rack_directory / "ssh"
    client.mkdir(mode=0o700)
    public_key = make_key(client / "key", "rack")
    known = []
    config = [CLIENT_CONFIG.format(directory=client, key_exchange=KEY_EXCHANGE)]
    for host, address in addresses.items():
        directory = host_directory(host) / "run" / "sshd"
        directory.mkdir(mode=0o755)
        host_key = make_key(directory / "host_key", host)
        (directory / "authorized_keys").write_text(" ".join(public_key) + "\n", encoding="ascii")
        (directory / "config").write_text(DAEMON_CONFIG, encoding="ascii")
        known.append(f"{host},{address} {' '.join(host_key)}\n")
        config.append(f"\nHost {host}\n  HostName {address}\n")
    (client / "known_hosts").write_text("".join(known), encoding="ascii")
    (client / "config").write_text("".join(config), encoding="utf-8")


def await_daemon(host, address):
    """Until it answers on its port."""
    deadline = time.monotonic() + START_SECONDS_MAX
    while True:
        try:
            with socket.create_connection((address, 22), timeout=5):
                return
        except OSError as error:
            if time.monotonic() > deadline:
                raise RackError(f"sshd of {host} does not answer at {address}: {error}") from None
        time.sleep(0.02)
