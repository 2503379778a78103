"""Twenty short postmortems in five shapes of public templates, each read for what it tells."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.incident import Status
from aiops_agent.domain.postmortem import CaseSource
from aiops_agent.memory.told import ToldReading

FOLDER = Path(__file__).parent / "postmortems"
READING = ToldReading(EnvironmentRef.parse("docker:prod"), datetime(2027, 1, 1, tzinfo=UTC))

# Title, service ("" where no field names one), day on which it began, words of cause and of fix.
TOLD = {
    "book-1": ("Basket loses items", "", "2026-03-04", "third of its memory", "was doubled"),
    "book-2": ("search returns nothing", "search", "2026-05-12", "not finished", "pointed back"),
    "book-3": ("Mail is hours late", "", "2026-07-19", "40,000 recipients", "put aside"),
    "book-4": ("Login fails", "", "2026-01-30", "old signing key", "were restarted"),
    "cloud-1": ("Images do not load", "", "2026-05-06", "rotated token", "token was copied"),
    "cloud-2": ("Reports are wrong", "", "2026-09-07", "ran twice", "rows were removed"),
    "cloud-3": ("VPN drops", "", "2026-10-10", "table of connections was full", "enlarged"),
    "cloud-4": ("Nightly batch", "batch", "2026-11-10", "out of date", "ANALYZE was run"),
    "issue-1": ("API outage", "", "", "wrong configuration", "push was rolled back"),
    "issue-2": ("feeds are stale", "", "2026-12-01", "waited for a lock", "lock was removed"),
    "issue-3": ("Payments are declined", "", "", "7 minutes ahead", "taken out"),
    "issue-4": ("Uploads are refused", "uploader", "2026-08-20", "was lower", "raised to 50 MB"),
    "status-1": ("Storage latency", "", "2026-02-11", "scrub ran on all", "stopped the scrub"),
    "status-2": ("Queues", "", "2026-04-02", "elected no leader", "restarting the third"),
    "status-3": ("Billing API", "billing-api", "2026-08-01", "expired", "renewed"),
    "status-4": ("Portal slow", "", "2026-06-03", "switched off", "switched on again"),
    "table-1": ("Cart answers 500", "cart", "2026-03-01", "number of vouchers", "switched off"),
    "table-2": ("Checkout hangs", "checkout", "2026-04-04", "another order", "Release 6"),
    "table-3": ("exports fail", "exporter", "2026-06-16", "full of old", "were deleted"),
    "table-4": ("Cron jobs", "scheduler", "2026-10-25", "clock went back", "counts in UTC"),
}


def test_every_page_has_an_expectation() -> None:
    assert sorted(TOLD) == sorted(page.stem for page in FOLDER.glob("*.md"))
    assert len(TOLD) == 20


@pytest.mark.parametrize("name", TOLD)
def test_a_page_gives_title_service_day_cause_and_fix(name: str) -> None:
    title, service, day, cause, fix = TOLD[name]
    page = (FOLDER / f"{name}.md").read_text()
    case = READING.markdown(page)

    assert title in case.title
    assert case.service == service
    assert (f"{case.began:%Y-%m-%d}" == day) or not day
    assert cause in case.summary
    assert fix in case.summary
    assert (case.status, case.source) == (Status.RESOLVED, CaseSource.IMPORTED)
    assert case.text == page
