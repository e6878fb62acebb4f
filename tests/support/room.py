"""A disk with hardly any room, to be filled and freed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from msgspec import Struct


class SmallDisk(Struct, frozen=True):
    """A mounted file system of a few pages."""

    folder: Path

    def fill(self, *, leave: int = 0) -> None:
        """Take all its room but some bytes."""
        filler = (self.folder / "filler").open("wb", buffering=0)
        with filler, suppress(OSError):
            while True:
                filler.write(b"\0" * 4096)
        os.truncate(filler.name, max((self.folder / "filler").stat().st_size - leave, 0))

    def free(self) -> None:
        """Give the room back."""
        (self.folder / "filler").unlink()


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[SmallDisk]:
    """Mount a file system of so many bytes; the test is skipped, loudly, where none may be."""
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)],
        check=False,
        capture_output=True,
    )
    if mounted.returncode != 0:
        pytest.skip("NOT RUN: this user may not mount a file system, so no real disk was filled")
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
