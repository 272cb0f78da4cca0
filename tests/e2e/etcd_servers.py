"""Three etcd servers on this machine's loopback, which may be killed."""

import http.client
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

from harness import free_address, free_port, wait_until

HAS_ETCD = shutil.which("etcd") is not None
NEEDS_ETCD = "needs the program etcd (Debian's package etcd-server)"


class EtcdServers:
    def __init__(self, count=3):
        # In memory where there is some to write to: a disk that others keep busy costs etcd its elections.
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="murder-etcd-", dir=memory))
        # Of an address that nobody else has: a server whose port was taken would be missed only later.
        address = free_address()
        self.clients = [f"{address}:{free_port(address)}" for _ in range(count)]
        self.peers = [f"{address}:{free_port(address)}" for _ in range(count)]
        self.processes = [None] * count
        for member in range(count):
            self.start(member)
        self.wait_until_ready()

    def start(self, member):
        all_peers = ",".join(f"m{each}=http://{peer}" for each, peer in enumerate(self.peers))
        with open(self.directory / f"m{member}.log", "ab") as log:
            self.processes[member] = subprocess.Popen(
                ["etcd", "--name", f"m{member}", "--data-dir", str(self.directory / f"m{member}"),
                 "--listen-client-urls", f"http://{self.clients[member]}",
                 "--advertise-client-urls", f"http://{self.clients[member]}",
                 "--listen-peer-urls", f"http://{self.peers[member]}",
                 "--initial-advertise-peer-urls", f"http://{self.peers[member]}",
                 "--initial-cluster", all_peers, "--initial-cluster-state", "new",
                 "--logger", "zap", "--log-level", "error"], stdout=log, stderr=log)

    def spec(self):
        return "etcd:" + ",".join(f"http://{client}" for client in self.clients)

    def _post(self, member, path, body):
        connection = http.client.HTTPConnection(self.clients[member], timeout=2)
        try:
            connection.request("POST", path, json.dumps(body))
            reply = connection.getresponse()
            return reply.status, json.loads(reply.read())
        finally:
            connection.close()

    def _until_one(self, answer):
        """What answer(member) gives for the first member where it is not None; again until one is."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            for member, process in enumerate(self.processes):
                try:
                    found = answer(member) if process is not None else None
                except (OSError, ValueError, http.client.HTTPException):
                    found = None
                if found is not None:
                    return found
            time.sleep(0.1)
        raise AssertionError("etcd does not answer")

    def wait_until_ready(self):
        for member in range(len(self.processes)):
            wait_until(lambda at=member: self._answers(at), f"server {member} of etcd answers", 60)

    def _answers(self, member):
        try:
            return self._post(member, "/v3/kv/range", {"key": "AA=="})[0] == 200
        except (OSError, ValueError, http.client.HTTPException):
            return False

    def leader(self):
        def is_leader(member):
            answer = self._post(member, "/v3/maintenance/status", {})[1]
            return member if answer.get("leader") == answer["header"]["member_id"] else None
        return self._until_one(is_leader)

    def kill(self, member):
        if self.processes[member] is not None:
            self.processes[member].send_signal(signal.SIGKILL)
            self.processes[member].wait()
            self.processes[member] = None

    def close(self):
        for member in range(len(self.processes)):
            self.kill(member)
        shutil.rmtree(self.directory, ignore_errors=True)
