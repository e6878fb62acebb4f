"""Writes the synthetic recordings of the hub; `spine replay --accept` ends them.

Words on the command line choose the cases whose place contains one of them.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Final

import creation_scripts
import forward_scripts
import pds_update_scripts
import tms_scripts
import trace_scripts
from scripted import Made, write

from facade import logs

SCRIPTS: Final[Mapping[str, Made]] = {
    f"{place}/{name}": script
    for places in (
        tms_scripts.PLACES,
        forward_scripts.PLACES,
        creation_scripts.PLACES,
        pds_update_scripts.PLACES,
        trace_scripts.PLACES,
    )
    for place, scripts in places.items()
    for name, script in scripts.items()
}


def main(words: list[str]) -> int:
    """Write every case, or those that are chosen, and give how many."""
    chosen = [place for place in SCRIPTS if not words or any(one in place for one in words)]
    for place in chosen:
        write(place, SCRIPTS[place])
    return len(chosen)


if __name__ == "__main__":
    logs.configure("error")
    sys.stdout.write(f"{main(sys.argv[1:])} cases\n")
