"""A real OpenLDAP server on a folder of its own, filled with what this directory exports."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ldap_serving import await_port
from serving import free_ports

_PATH: Final = "/usr/sbin:/usr/local/sbin:/usr/libexec:/usr/lib/openldap"
SLAPD: Final = shutil.which("slapd") or shutil.which("slapd", path=_PATH)
SLAPADD: Final = shutil.which("slapadd") or shutil.which("slapadd", path=_PATH)
LDAPSEARCH: Final = shutil.which("ldapsearch")
_SCHEMAS: Final = (Path("/etc/ldap/schema"), Path("/etc/openldap/schema"))
_MODULES: Final = (Path("/usr/lib/ldap"), Path("/usr/lib64/openldap"), Path("/usr/lib/openldap"))

IS_INSTALLED: Final = None not in (SLAPD, SLAPADD, LDAPSEARCH) and any(
    (one / "inetorgperson.schema").is_file() for one in _SCHEMAS
)
NOT_INSTALLED: Final = "there is no slapd, or no ldapsearch: apt install slapd ldap-utils"


def configured(folder: Path, schema: str) -> Path:
    """Write the configuration of a server on a folder, and give it."""
    standard = next(one for one in _SCHEMAS if one.is_dir())
    modules = next((one for one in _MODULES if one.is_dir()), None)
    (folder / "nhs.schema").write_text(schema)
    (folder / "data").mkdir()
    lines = [
        *(f"include {standard}/{name}.schema" for name in ("core", "cosine", "inetorgperson")),
        f"include {folder}/nhs.schema",
        f"pidfile {folder}/slapd.pid",
        *([f"modulepath {modules}", "moduleload back_mdb"] if modules else []),
        "sizelimit unlimited",
        "database mdb",
        'suffix "o=nhs"',
        f"directory {folder}/data",
    ]
    file = folder / "slapd.conf"
    file.write_text("".join(f"{line}\n" for line in lines))
    return file


def filled(configuration: Path, source: Path) -> subprocess.CompletedProcess[str]:
    """Load an LDIF, each entry held against the schema, and give how it went."""
    return subprocess.run(
        [str(SLAPADD), "-f", str(configuration), "-l", str(source)],
        check=False,
        capture_output=True,
        text=True,
    )


@contextmanager
def serving_slapd(configuration: Path) -> Iterator[int]:
    """Serve what was loaded for a while, and give the port."""
    (port,) = free_ports(1)
    log = configuration.with_name("slapd.log")
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [str(SLAPD), "-f", str(configuration), "-h", f"ldap://127.0.0.1:{port}", "-d", "0"],
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
    try:
        await_port(port, process, log)
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=40)


def searched(port: int, base: str, scope: str, wanted: str) -> tuple[int, str]:
    """Search a server as anyone may, and give the code and the entries as LDIF."""
    told = subprocess.run(
        [
            *(str(LDAPSEARCH), "-LLL", "-x", "-o", "ldif-wrap=no"),
            *("-H", f"ldap://127.0.0.1:{port}", "-b", base, "-s", scope, wanted),
        ],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return told.returncode, told.stdout
