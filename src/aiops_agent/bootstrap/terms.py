"""The bounds and the pace of an incident, from the settings."""

from aiops_agent.bootstrap.pace import pace_of
from aiops_agent.domain.model import Budget
from aiops_agent.settings.sections import Settings
from aiops_agent.workflow.deps import Terms


def terms_of(settings: Settings) -> Terms:
    """Return what the settings say."""
    story = settings.story
    return Terms(
        max_attempts=story.max_attempts,
        expires=settings.approvals.expires,
        model_seconds=(settings.models.budget if settings.models else Budget()).seconds,
        window=story.window,
        deadman=settings.alerts.deadman,
        flap_window=story.flap_window,
        replica_labels=frozenset(settings.alerts.replica_labels),
        pace=pace_of(settings),
    )
