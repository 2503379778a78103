"""The desk at which agents ask models: prompts and policy, packaged or people's own."""

from aiops_agent.agents.asking import PROMPTS, Desk, packaged_policies, packaged_prompts
from aiops_agent.ports.model import Reasoner
from aiops_agent.settings.pages import OwnPages, read_pages
from aiops_agent.settings.sections import Settings


def own_pages(settings: Settings) -> OwnPages:
    """Return the pages that people wrote instead of the packaged ones."""
    models = settings.models
    return read_pages(models.prompts, models.policies, PROMPTS) if models else OwnPages()


def desk_of(reasoner: Reasoner, pages: OwnPages) -> Desk:
    """Return the desk of these models."""
    prompts = {**packaged_prompts(), **pages.prompts}
    return Desk(reasoner, prompts, pages.policies or packaged_policies())
