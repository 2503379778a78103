"""Postmortems that people wrote are read sensibly; a shape that nobody knows is kept as text."""

from datetime import UTC, datetime

import pytest

from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import UsageError
from aiops_agent.domain.incident import Status
from aiops_agent.domain.postmortem import CaseSource, KeptCase
from aiops_agent.memory.told import ToldReading, moment
from tests.contracts.samples import a_case

NOW = datetime(2026, 11, 28, tzinfo=UTC)
READING = ToldReading(EnvironmentRef.parse("docker:prod"), NOW)

# The shapes of public templates: sections, a table of facts, front matter, bold lines, questions.
SHAPES = {
    "sections": """# Checkout answers late (incident #465)

**Date**: 2026-03-04
**Services affected**: checkout, cart

## Summary
Checkout was slow for an hour.

## Root Causes
The connection pool was cut to 5 by release 2.4.1.

## Resolution
The pool was set back to 50.
""",
    "a table": """# Postmortem: Checkout answers late

| Field | Value |
|---|---|
| Date | 2026-03-04 |
| Service | checkout |
| **Resolved** | 2026-03-04 11:00 |

## 5. Root cause
The connection pool was cut to 5 by release 2.4.1.

## Remediation
The pool was set back to 50.
""",
    "front matter": """---
title: Checkout answers late
date: 2026-03-04
services: checkout
---

## Root cause
The connection pool was cut to 5 by release 2.4.1.

## Mitigation
The pool was set back to 50.
""",
    "underlined": """Checkout answers late
=====================

Start: 2026-03-04 10:00 UTC
Component: checkout

Trigger
-------
The connection pool was cut to 5 by release 2.4.1.

Recovery
--------
The pool was set back to 50.
""",
    "bold lines": """**Checkout answers late**

- Incident date: March 4, 2026
- Affected service: `checkout`

**What went wrong**

The connection pool was cut to 5 by release 2.4.1.

**How we fixed it**

The pool was set back to 50.
""",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_each_shape_of_a_page_gives_title_service_day_cause_and_fix(shape: str) -> None:
    case = READING.markdown(SHAPES[shape])

    assert case.title.removeprefix("Postmortem: ").startswith("Checkout answers late")
    assert case.service == "checkout"
    assert case.began.date() == datetime(2026, 3, 4, tzinfo=UTC).date()
    assert "pool was cut to 5 by release 2.4.1" in case.summary
    assert "set back to 50" in case.summary
    assert (case.source, case.status) == (CaseSource.IMPORTED, Status.RESOLVED)
    assert case.tried == ()
    assert case.text == SHAPES[shape]


def test_a_foreign_shape_is_kept_as_text_under_its_first_line() -> None:
    case = READING.markdown("\nwir hatten Ärger mit dem Kassensystem\nmehr weiß keiner\n")

    assert case.title == "wir hatten Ärger mit dem Kassensystem"
    assert "mehr weiß keiner" in case.text
    assert case.ended_at == NOW
    assert READING.markdown("").title == "untitled"


TABLES = {
    "commas": "number,short_description,cmdb_ci,opened_at,closed_at,close_notes\n"
    'INC1,"slow, very",web,2026-03-04 10:00,2026-03-04 11:00,scaled\n',
    "semicolons": "ID;Title;Service;Started;Ended;Resolution\n"
    "INC1;slow, very;web;04.03.2026;04.03.2026;scaled\n",
    "tabs": "Issue key\tSubject\tComponent\tCreated\tResolved\tFix\n"
    "INC1\tslow, very\tweb\t2026/03/04\t2026/03/04\tscaled\n",
}


@pytest.mark.parametrize("shape", TABLES)
def test_each_shape_of_a_table_gives_title_service_day_and_fix(shape: str) -> None:
    (case,) = READING.table(TABLES[shape])

    assert (case.title, case.service, case.summary) == ("slow, very", "web", "scaled")
    assert case.ended_at.date() == datetime(2026, 3, 4, tzinfo=UTC).date()


def test_columns_that_nobody_knows_are_kept_as_text() -> None:
    first, second = READING.table("Wetter,Laune\nRegen,mäßig\n\nSonne,gut,extra\n")

    assert first.text == "Wetter: Regen\nLaune: mäßig"
    assert second.text == "Wetter: Sonne\nLaune: gut\nextra"


def test_what_is_brought_in_twice_is_one_case_and_never_one_of_ours() -> None:
    page = SHAPES["sections"]
    assert READING.markdown(page).id == READING.markdown(page).id
    ours = KeptCase(case=a_case()).model_dump_json()
    (case,) = READING.exported(f"{ours}\n")
    assert case.id.startswith("TOLD-")
    assert (case.title, case.source) == (a_case().title, CaseSource.IMPORTED)
    with pytest.raises(UsageError, match="Line 1 is no exported case"):
        list(READING.exported("{}"))


@pytest.mark.parametrize("text", ["", "tomorrow", "99.99.2026", "2026-13-45", "May 99, 2026"])
def test_what_is_no_date_is_none(text: str) -> None:
    assert moment(text) is None
