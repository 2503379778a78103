"""Everything that can be plugged in, one line each: add your line here."""

from collections.abc import Callable

from aiops_agent.actions.catalogue import AnySpec, Catalogue
from aiops_agent.actions.restart import RESTART
from aiops_agent.actions.rollback import ROLLBACK
from aiops_agent.actions.scale import SCALE
from aiops_agent.actions.set_config import SET_CONFIG
from aiops_agent.adapters import alertmanager
from aiops_agent.domain.alert import Delivery
from aiops_agent.safety.assess import Rule
from aiops_agent.safety.rules.change_freeze import change_freeze
from aiops_agent.safety.rules.propose_asks import propose_asks
from aiops_agent.safety.rules.risky_needs_human import risky_needs_human
from aiops_agent.safety.rules.wide_blast_radius import wide_blast_radius

ACTIONS: tuple[AnySpec, ...] = (
    RESTART,
    SCALE,
    ROLLBACK,
    SET_CONFIG,
)

RULES: tuple[Rule, ...] = (
    propose_asks,
    risky_needs_human,
    wide_blast_radius,
    change_freeze,
)

ALERT_DECODERS: dict[str, Callable[..., Delivery]] = {
    "alertmanager": alertmanager.decode,
}

CATALOGUE = Catalogue(ACTIONS)
