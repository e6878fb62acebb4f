"""Where a configuration keeps things: the embedded store's file."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from facade.config import Config


def sqlite_file(config: Config) -> Path | None:
    """Give the embedded store's file, or None where the store is not embedded."""
    scheme, _, rest = config.store_url.partition(":")
    return config.home / rest if scheme == "sqlite" else None


def on_file(config: Config, file: Path) -> Config:
    """Give the configuration with its store in another file, and no limit on its size."""
    return replace(config, store_url=f"sqlite:{file.resolve()}", store_limit_bytes=0)
