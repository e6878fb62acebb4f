"""A real OpenLDAP takes our export with our schema, and answers what our own server answers."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from directories import WHOLE, entries_in
from ldap_serving import serving_ldap
from msgspec import Struct
from serving import spine
from slapd import IS_INSTALLED, NOT_INSTALLED, configured, filled, searched, serving_slapd

from legacy_contracts.sds import schema
from operations import national

pytestmark = pytest.mark.skipif(not IS_INSTALLED, reason=f"NOT RUN: {NOT_INSTALLED}")

GP2GP = "urn:nhs:names:services:gp2gp:RCMR_IN010000UK05"
PARTY = "A12345-0000001"
SERVICES = "ou=services,o=nhs"


class Both(Struct, frozen=True):
    """The ports of a real server and of ours, with the same entries."""

    real: int
    ours: int


@pytest.fixture(scope="module")
def both(sample_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    folder = tmp_path_factory.mktemp("slapd") / "data"
    shutil.copytree(sample_folder, folder)
    config = ("--config", f"{folder}/spine.toml")
    for name, text in (("whole", WHOLE), ("national", "".join(national.as_ldif(40, 1)))):
        (folder / f"{name}.ldif").write_text(text)
        assert spine("directory", "import", *config, f"{folder}/{name}.ldif").returncode == 0
    exported = spine("directory", "export", *config, "--ldif", f"{folder}/out.ldif")
    assert exported.returncode == 0, exported.stderr
    real = folder / "slapd"
    real.mkdir()
    configuration = configured(real, spine("directory", "schema").stdout)
    loaded = filled(configuration, folder / "out.ldif")
    assert loaded.returncode == 0, loaded.stderr
    with serving_slapd(configuration) as port, serving_ldap(folder) as running:
        yield Both(port, running.plain_port)


SEARCHES = (
    ("o=nhs", "sub", "(objectClass=*)"),
    ("o=nhs", "base", "(objectClass=*)"),
    ("o=nhs", "one", "(objectClass=*)"),
    (SERVICES, "sub", "(objectClass=nhsAs)"),
    (SERVICES, "sub", "(objectClass=NHSMHS)"),
    (SERVICES, "one", f"(&(nhsIDCode=A12345)(objectClass=nhsAs)(nhsAsSvcIA={GP2GP}))"),
    (SERVICES, "sub", f"(&(nhsIDCode=a12345)(objectClass=nhsAs)(nhsAsSvcIA={GP2GP}))"),
    (SERVICES, "sub", f"(&(objectClass=nhsMhs)(nhsMHSPartyKey={PARTY})(nhsMhsSvcIA={GP2GP}))"),
    (
        SERVICES,
        "sub",
        f"(&(objectclass=nhsmhs)(NHSMHSPARTYKEY=a12345-0000001)(nhsmhssvcia={GP2GP}))",
    ),
    (SERVICES, "sub", f"(|(nhsMHSPartyKey={PARTY})(nhsMhsSvcIA={GP2GP}))"),
    (SERVICES, "sub", f"(&(objectClass=nhsAs)(!(nhsAsSvcIA={GP2GP})))"),
    (SERVICES, "sub", f"(!(nhsMHSPartyKey={PARTY}))"),
    (SERVICES, "sub", "(nhsMHSRetries=2)"),
    (SERVICES, "sub", "(!(nhsMHSRetries=2))"),
    (SERVICES, "sub", "(nhsMHSRetries=*)"),
    (SERVICES, "sub", "(nhsMhsFQDN=mhs1.example.test)"),
    (SERVICES, "sub", "(uniqueIdentifier=s9999999a9999999)"),
    (SERVICES, "sub", "(nhsProductName=synthetic RECORDS)"),
    # What the real directory's schema gives no rule for, and ours does.
    (SERVICES, "sub", "(nhsIDCode=A0000*)"),
    (SERVICES, "sub", "(nhsIDCode=a0000*)"),
    (SERVICES, "sub", "(nhsIDCode>=A00007)"),
    (SERVICES, "sub", "(nhsIDCode<=A00007)"),
    (SERVICES, "sub", "(nhsMHSEndPoint=*example*/forward*)"),
    (SERVICES, "sub", "(nhsMHSPersistDuration>=pt)"),
    (SERVICES, "sub", "(!(nhsMHSPersistDuration=p1d*))"),
    (SERVICES, "sub", "(nhsMHSServiceDescription=HILL É)"),
    (SERVICES, "sub", "(nhsAsSvcIA=*:RCMR_IN0*UK05)"),
    (SERVICES, "sub", "(nhsAsSvcIA=*:rcmr_in0*uk05)"),
    (SERVICES, "sub", "(uniqueIdentifier=s99*)"),
    (SERVICES, "sub", "(nhsIDCode:caseIgnoreMatch:=a12345)"),
    (SERVICES, "sub", "(ou:dn:=services)"),
    ("o=nhs", "sub", "(objectClass>=nhs)"),
    (SERVICES, "sub", "(unknownAttribute=x)"),
    (SERVICES, "sub", "(!(unknownAttribute=x))"),
    (SERVICES, "sub", "(objectClass=unknownClass)"),
    ("uniqueIdentifier=S9999999A9999999,ou=Services,o=NHS", "base", "(objectClass=*)"),
    ("uniqueIdentifier=none,ou=services,o=nhs", "base", "(objectClass=*)"),
    ("ou=people,o=nhs", "one", "(objectClass=*)"),
    ("ou=people,o=nhs", "sub", "(objectClass=person)"),
    ("ou=people,o=nhs", "sub", "(nhsJobRoleCode=R8010)"),
    ("ou=people,o=nhs", "sub", "(cn=*ill*)"),
    ("ou=people,o=nhs", "sub", "(sn=h*)"),
    ("uid=555000000003,ou=people,o=nhs", "sub", "(objectClass=*)"),
    ("uid=555000000003,ou=people,o=nhs", "one", "(objectClass=*)"),
    ("ou=organisations,o=nhs", "sub", "(o=hill*)"),
    ("ou=organisations,o=nhs", "sub", "(l=Ashby)"),
    ("ou=organisations,o=nhs", "sub", "(postalCode=zz1*)"),
    ("ou=organisations,o=nhs", "sub", "(objectClass=organization)"),
    ("ou=organisations,o=nhs", "sub", "(&(objectClass=nhsOrg)(nhsIDCode=A00007))"),
    ("ou=parties,o=nhs", "sub", "(spineCertificateName=*)"),
)


@pytest.mark.parametrize(("base", "scope", "wanted"), SEARCHES)
def test_both_answer_the_same_entries(both: Both, base: str, scope: str, wanted: str) -> None:
    real_code, real = searched(both.real, base, scope, wanted)
    our_code, ours = searched(both.ours, base, scope, wanted)

    assert our_code == real_code
    assert entries_in(ours) == entries_in(real)


def test_the_searches_find_something_and_not_everything(both: Both) -> None:
    found = [len(entries_in(searched(both.real, *one)[1])) for one in SEARCHES]
    assert max(found) == found[0] > 300
    assert sum(1 for count in found if 0 < count < found[0]) > 15


def test_an_entry_that_breaks_the_schema_is_refused_by_both(tmp_path: Path) -> None:
    (tmp_path / "slapd").mkdir()
    configuration = configured(tmp_path / "slapd", schema.slapd_schema())
    wrong = tmp_path / "wrong.ldif"
    containers = "".join(next(iter(one)) for one in ([text] for text in national.as_ldif(1, 1)))
    wrong.write_text(containers.replace("nhsMHSRetries: 2\n", "nhsMHSRetries: 2\nnhsAsClient: x\n"))

    told = filled(configuration, wrong)

    assert told.returncode != 0
    assert "nhsAsClient" in told.stderr
