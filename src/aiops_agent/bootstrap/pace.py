"""How long a look looks and a fix may take, from the settings."""

from aiops_agent.agents.briefing import Pace
from aiops_agent.reasoning.harm import HarmLimits
from aiops_agent.settings.sections import BaseSettings


def pace_of(settings: BaseSettings) -> Pace:
    """Return the pace that `story:` sets."""
    story = settings.story
    return Pace(
        baseline=story.baseline,
        settle=story.settle,
        hold=story.hold,
        within=story.within,
        watch=story.watch,
        look=story.look,
        harm=HarmLimits(story.harm_errors, story.harm_failures),
    )
