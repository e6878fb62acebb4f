"""The audit's proof, with what only a listing of its pages shows."""

from __future__ import annotations

from core import audit
from core.audit import Proof
from core.store.port import Store


def prove(store: Store) -> Proof:
    """Prove every chain, and that every page there is stands in one.

    The pages are counted first: a facade that serves meanwhile only adds to what is proven.
    """
    listed = sum(1 for _ in store.keys(audit.PAGES))
    proof = audit.prove(store)
    if proof.pages < listed:
        proof.breaks.append(f"pages behind a gap, or in no chain: {listed - proof.pages}")
    return proof
