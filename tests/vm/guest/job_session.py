"""A user session that ends: what was started in it with --background goes on, is seen, and can be stopped from a later one.
The session's own directory ($XDG_RUNTIME_DIR) is removed by systemd a few seconds after the user's last session."""

import pathlib

import host

USER = "deploy"
BASE = pathlib.Path("/srv/session")
TRACKER = "127.0.0.1:8998"
KEY = "/var/tmp/session-key"


def log_in(*words):
    """One session of the user over ssh, with what pam_systemd makes for it."""
    return host.run("ssh", "-i", KEY, "-o", "StrictHostKeyChecking=no", "-o", "BatchMode=yes", f"{USER}@localhost",
                    " ".join(map(str, words)))


def make_user():
    host.must("useradd", "-m", "-s", "/bin/bash", USER)
    host.must("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", KEY)
    place = pathlib.Path(f"/home/{USER}/.ssh")
    place.mkdir(mode=0o700)
    (place / "authorized_keys").write_text(pathlib.Path(f"{KEY}.pub").read_text())
    host.must("chown", "-R", f"{USER}:", place)
    host.must("systemctl", "start", "ssh")
    BASE.mkdir()
    host.must("chown", USER, BASE)


def end_sessions():
    """What systemd does some seconds after the last session of a user. It waits for what was started in it, so it is told to."""
    user_id = host.must("id", "-u", USER).stdout.strip()
    host.must("systemctl", "stop", f"user@{user_id}.service", f"user-runtime-dir@{user_id}.service")
    return not pathlib.Path(f"/run/user/{user_id}").exists()


def main():
    make_user()
    first = log_in("echo", "dir=$XDG_RUNTIME_DIR", "&&", "mkdir", f"{BASE}/source", "&&", "cp", "/usr/bin/curl", f"{BASE}/source",
                   "&&", "murder", "create", f"{BASE}/source", "--tag", "v1", "--tracker", TRACKER, "--temp-path", BASE,
                   "&&", "murder", "tracker", "--listen", TRACKER, "--background",
                   "&&", "murder", "seed", f"{BASE}/v1.tar.zst.torrent", "--ip", "127.0.0.2", "--background")
    host.result("a session starts processes", first.returncode == 0 and "dir=/run/user/" in first.stdout,
                first.stdout.splitlines()[0] if first.returncode == 0 and first.stdout else first.stdout + first.stderr)
    host.result("the session's directory is gone", end_sessions())
    peer = log_in("murder", "peer", f"{BASE}/v1.tar.zst.torrent", "--to", f"{BASE}/app", "--temp-path", f"{BASE}/temp",
                  "--ip", "127.0.0.3", "--seed-for", "0")
    host.result("a peer of a later session is served", peer.returncode == 0, peer.stderr)
    end_sessions()
    status = log_in("murder", "status", "--json")
    kinds = sorted(each["kind"] for each in host.json.loads(status.stdout or '{"processes": []}')["processes"])
    host.result("a later session sees them", kinds == ["seeder", "tracker"], f"{kinds} {status.stderr}")
    end_sessions()
    stop = log_in("murder", "stop", "v1", "&&", "murder", "stop", "--tracker")
    left = host.run("pgrep", "-a", "murder").stdout
    host.result("a later session stops them", stop.returncode == 0 and not left, left or stop.stderr)
