"""What a platform says by itself is wrong, as findings of a diagnosis."""

from collections.abc import Sequence

from aiops_agent.domain.diagnosis import Finding
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.telemetry import ServiceName
from aiops_agent.domain.text import safe
from aiops_agent.domain.trouble import PlatformTrouble
from aiops_agent.ports.telemetry import Environment

MOST_SHOWN = 6  # in one diagnosis
SOURCE = "platform"


async def read_troubles(
    environment: Environment,
) -> tuple[tuple[PlatformTrouble, ...], tuple[str, ...]]:
    """Return what the platform says is wrong, the worst first, and what could not be read."""
    if environment.troubles is None:
        return (), ()
    try:
        return await environment.troubles.troubles(), await environment.troubles.unreadable()
    except SourceError as error:
        return (), (str(error),)


def near(
    found: Sequence[PlatformTrouble], services: Sequence[ServiceName]
) -> tuple[PlatformTrouble, ...]:
    """Return the troubles of these services, the first one's first, and those of no service."""
    order = {name: place for place, name in enumerate(services)}
    own = [one for one in found if one.service in order]
    shared = [one for one in found if not one.service and one.harm]
    return (*sorted(own, key=lambda one: (not one.harm, order[one.service])), *shared)


def findings(found: Sequence[PlatformTrouble]) -> tuple[Finding, ...]:
    """Return a finding for each of the first troubles, without ids."""
    return tuple(map(_finding, found[:MOST_SHOWN]))


def sentence(found: Sequence[PlatformTrouble], of: Sequence[ServiceName]) -> str:
    """Return what the platform says of the first of these services in harm, and the next step."""
    first = next((one for one in found if one.harm and one.service in of), None)
    if first is None:
        return ""
    return f" {first.subject}: {safe(first.words, limit=200)}. Next step: {first.step}."


def _finding(one: PlatformTrouble) -> Finding:
    said = f"; last words: {one.last_words}" if one.last_words else ""
    many = f" (×{one.instances})" if one.instances > 1 else ""
    return Finding(
        id="",
        service=one.service,
        what=safe(f"{one.what} {one.name}{many}", limit=160),
        before="",
        now=safe(one.words, limit=240),
        source=SOURCE,
        query=safe(f"next step: {one.step}{said}", limit=600),
        changed=one.harm,
    )
