"""Does it start at all on this Python: import everything, make, load, serve, send, stop.

Needs nothing but the installed project, so that it runs where the suite's tools are not installed.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from core.store.riak.published import published

PACKAGES = ("core", "legacy_contracts", "adapters", "facade", "operations")
SECONDS = 60


def main() -> None:
    """Run every step, the published Riak client's import among them; what fails ends it."""
    sys.stdout.write(f"Python {sys.version.split()[0]}: {import_everything()} modules import\n")
    published()
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "data/spine.toml"
        ports = free_ports()
        spine("init", str(config.parent))
        spine("load", "--config", str(config), "--patients", "10")
        served = subprocess.Popen([*COMMAND, "serve", "--config", str(config)], env=ports)
        try:
            wait_until_ready(served, ports["SPINE_ADMIN_PORT"])
            answer = spine("send", "--config", str(config), environ=ports)
            if "QUPA_IN000009UK03" not in answer:
                sys.exit(f"smoke: this is no answer: {answer}")
            spine("check", "--audit", "--config", str(config), environ=ports)
        finally:
            served.send_signal(signal.SIGTERM)
        if served.wait(SECONDS) != 0:
            sys.exit(f"smoke: serving ended with {served.returncode}")
        spine("backup", "--config", str(config), str(config.parent / "backup.zip"))
    sys.stdout.write(f"Python {sys.version.split()[0]}: a message was sent and answered\n")


COMMAND = (sys.executable, "-m", "operations.cli")


def import_everything() -> int:
    """Import every module but those that run when they are imported; give how many."""
    count = 0
    for package in PACKAGES:
        root = importlib.import_module(package)
        for found in pkgutil.walk_packages(root.__path__, f"{package}."):
            if not found.name.endswith(".__main__"):
                importlib.import_module(found.name)
                count += 1
    return count


def spine(*arguments: str, environ: dict[str, str] | None = None) -> str:
    """Run a command, which must go well, and give what it printed."""
    ran = subprocess.run(
        [*COMMAND, *arguments],
        env=environ,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    if ran.returncode != 0:
        sys.exit(f"smoke: spine {' '.join(arguments)} ended with {ran.returncode}: {ran.stdout}")
    return ran.stdout


def free_ports() -> dict[str, str]:
    """Give this process's variables with ports that nothing listens on."""
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as other,
    ):
        port, admin_port = one.getsockname()[1], other.getsockname()[1]
    return {
        **os.environ,
        "SPINE_SERVER_HOST": "127.0.0.1",
        "SPINE_SERVER_PORT": str(port),
        "SPINE_ADMIN_PORT": str(admin_port),
    }


def wait_until_ready(served: subprocess.Popen[bytes], admin_port: str) -> None:
    """Return once the facade says that it is ready."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if served.poll() is not None:
            sys.exit(f"smoke: serving ended with {served.returncode}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{admin_port}/readyz", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    sys.exit(f"smoke: not ready in {SECONDS} seconds")


if __name__ == "__main__":
    main()
