"""Opens what tells the actions of a plan as files; it only reads."""

from aiops_agent.bootstrap.environments import OpenEnvironments
from aiops_agent.domain.errors import PlatformError, SourceError, UsageError
from aiops_agent.domain.incident import Incident
from aiops_agent.domain.patch_file import PatchFile
from aiops_agent.domain.redact import Redactor
from aiops_agent.settings.sections import BaseSettings


async def patch_files(
    settings: BaseSettings, redactor: Redactor, incident: Incident, number: int | None
) -> tuple[PatchFile, ...]:
    """Return the actions of an incident's newest plan, or of that of an attempt, as files.

    Raises UsageError where there is no such plan, or no platform that writes files.
    """
    made = [one for one in incident.attempts if one.plan and number in (None, one.number)]
    plan = made[-1].plan if made else None
    if plan is None or not plan.actions:
        which = f" in attempt {number}" if number else ""
        raise UsageError(f"{incident.id} has no plan that changes anything{which}.")
    places = OpenEnvironments(settings, redactor).configured
    found = next((one for one in places if one.configured.ref == incident.environment), None)
    patches = found.patches if found is not None else None
    if patches is None:
        raise UsageError(
            f"{incident.environment} writes no files of its actions: only a Kubernetes environment "
            "of this configuration does (sources.kubernetes)."
        )
    try:
        return tuple([await patches.patch_file(action) for action in plan.actions])
    except (SourceError, PlatformError) as error:
        raise type(error)(redactor.clean(str(error))) from error
    finally:
        await patches.close()
