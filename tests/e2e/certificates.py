"""Certificates of servers, made by openssl(1) for tests."""

import base64
import hashlib
import subprocess


def openssl(*words, **options):
    return subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, **options).stdout


class Authority:
    """One that signs certificates of servers."""

    def __init__(self, folder):
        self.folder = folder
        self.certificate = folder / "authority.pem"
        self._make("authority", "-x509", "-days", "2", "-subj", "/CN=authority of a test",
                   "-addext", "basicConstraints=critical,CA:TRUE")

    def _make(self, name, *words):
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", *words,
                "-keyout", self.folder / f"{name}.key", "-out", self.folder / f"{name}.pem")

    def certify(self, name, subject, days=2):
        """The paths of a certificate and its key; `subject` as subjectAltName has it."""
        self._make(f"{name}-request", "-subj", "/CN=server")
        (self.folder / f"{name}.ext").write_text(f"subjectAltName={subject}\n")
        certificate = self.folder / f"{name}.pem"
        openssl("x509", "-req", "-in", self.folder / f"{name}-request.pem", "-CA", self.certificate, "-CAkey",
                self.folder / "authority.key", "-CAcreateserial", "-days", days, "-extfile", self.folder / f"{name}.ext",
                "-out", certificate)
        return certificate, self.folder / f"{name}-request.key"


def pin_of(certificate):
    key = openssl("pkey", "-pubin", "-outform", "DER", input=openssl("x509", "-in", certificate, "-pubkey", "-noout"))
    return "SHA256:" + base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip("=")
