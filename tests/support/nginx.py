"""A real nginx in front of the provider, with the configuration of docs/examples/nginx and nothing changed in it but
ports, paths and names.

Everything it writes is in a folder of its own; it is ended by its process id.
"""

import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.certificates import Issued
from tests.support.checkout import ROOT
from tests.support.services import missing, stop

EXAMPLE = ROOT / "docs/examples/nginx"
PROXY_ADDRESS = "127.0.0.2"
"""From which it comes to the provider, so that a direct connection from 127.0.0.1 is somebody else's."""
START_SECONDS = 20.0
_MAIN = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    proxy_bind {address};
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/visvaris.conf;
}}
"""


@dataclass(frozen=True, kw_only=True)
class Ports:
    """The example has two names on one port; here it is one name on two."""

    people: int
    certificates: int
    provider: int


def render(folder: Path, ports: Ports, issued: Issued) -> Path:
    """The main file; all of the example is beside it."""
    for path in EXAMPLE.glob("*.conf"):
        text = path.read_text().replace("/etc/nginx/visvaris/server.pem", str(issued.certificate))
        text = text.replace("/etc/nginx/visvaris/server.key", str(issued.key))
        text = text.replace("/etc/nginx/visvaris/", f"{folder}/")
        text = text.replace("server 127.0.0.1:8000;", f"server 127.0.0.1:{ports.provider};")
        (folder / path.name).write_text(_on_ports(text, ports))
    main = folder / "nginx.conf"
    main.write_text(_MAIN.format(folder=folder, address=PROXY_ADDRESS))
    return main


def _on_ports(text: str, ports: Ports) -> str:
    for_people, last_server, for_certificates = text.rpartition("\nserver {")
    return (
        _listening(for_people, ports.people)
        + last_server
        + _listening(for_certificates, ports.certificates).replace("mtls.visvaris.lv", "localhost")
    ).replace("server_name visvaris.lv", "server_name localhost")


def _listening(text: str, port: int) -> str:
    text = text.replace("listen [::]:443 ", f"listen [::1]:{port} ")
    return re.sub(r"listen 443 ", f"listen 127.0.0.1:{port} ", text)


@contextmanager
def nginx(folder: Path, ports: Ports, issued: Issued) -> Iterator[None]:
    binary = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin")
    if binary is None:
        raise RuntimeError(missing("nginx"))
    command = [
        binary,
        "-e",
        str(folder / "error.log"),
        "-p",
        str(folder),
        "-c",
        str(render(folder, ports, issued)),
    ]
    log = folder / "output.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
    try:
        _await(process, ports, log)
        yield
    finally:
        stop(process)


def _await(process: "subprocess.Popen[bytes]", ports: Ports, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    waiting = [ports.people, ports.certificates]
    while waiting:
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"nginx did not start:\n{log.read_text(errors='replace')}")
        try:
            socket.create_connection(("127.0.0.1", waiting[0]), 1).close()
            waiting.pop(0)
        except OSError:
            time.sleep(0.02)
