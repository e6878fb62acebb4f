"""What importing the published client does, and leaves behind."""

from __future__ import annotations

import sys

import pytest
from own_python import run

from core.errors import StoreError
from core.store.riak.published import published


def test_the_client_is_imported_without_a_warning_and_python_is_left_as_it_was() -> None:
    done = run(
        "import collections\n"
        "strict = collections.namedtuple\n"
        "from core.store.riak.published import published\n"
        "parts = published()\n"
        "assert collections.namedtuple is strict\n"
        "assert published().client is parts.client\n"
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_store_is_imported_without_the_client() -> None:
    done = run(
        "import sys\n"
        "sys.modules['riak'] = None\n"
        "import facade.wiring\n"
        "from core.store.riak import RiakStore\n"
        "assert 'google.protobuf' not in sys.modules\n"
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_client_that_is_not_installed_is_said_with_the_cure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "riak", None)
    with pytest.raises(StoreError, match=r"pip install -c constraints.txt -e '.\[riak\]'"):
        published()
