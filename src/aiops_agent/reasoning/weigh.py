"""Two opinions on one cause: what statistics say and what a model says, and which one acts."""

from aiops_agent.domain.diagnosis import CauseKind, Confidence, Diagnosis, Hypothesis
from aiops_agent.domain.reasoning import SecondOpinion, Stand, Suspect
from aiops_agent.reasoning.belief import ACTED_ON

# Nothing is changed for these, so nothing can go wrong by believing them.
HARMLESS = (
    CauseKind.DEPENDENCY,
    CauseKind.UNKNOWN,
    CauseKind.COLD_CACHE,
    CauseKind.ERRORS,
    CauseKind.CONTENTION,
    CauseKind.CRASH,
)
# Different findings behind a model's word, and predictions that held, before it may be acted on.
CORROBORATION = 2
_STEPS = (Confidence.LOW, Confidence.MEDIUM, Confidence.HIGH)


def strong(one: Hypothesis) -> bool:
    """Whether a hypothesis may be acted on: likely right, by a sign of its own mechanism."""
    if one.kind in HARMLESS:
        return True
    return one.belief >= ACTED_ON and one.signs > 0 and one.contradicted < 2


def abstains(diagnosis: Diagnosis) -> bool:
    """Whether statistics name nothing that could be acted on."""
    best = diagnosis.best
    if best is None or best.kind is CauseKind.UNKNOWN:
        return True
    return diagnosis.confidence is Confidence.LOW and not strong(best)


def stand(diagnosis: Diagnosis, first: Suspect | None) -> Stand:
    """Return how a model's first word compares with the likeliest cause."""
    best = diagnosis.best
    if first is None:
        return Stand.NOT_KNOWN
    known = best is not None and best.kind is not CauseKind.UNKNOWN
    agrees = known and best is not None and best.key == first.key
    return Stand.AGREES if agrees else Stand.DISAGREES


def adopted(diagnosis: Diagnosis, opinion: SecondOpinion) -> Hypothesis | None:
    """Return the engine's own hypothesis that a model points at, if it may be acted on.

    Only when the engine abstains, and only what telemetry supports: predictions held, none was
    contradicted, and what the model claims of the service stands on findings of its own.
    """
    if not abstains(diagnosis) or opinion.first is None:
        return None
    named = next((one for one in diagnosis.hypotheses if one.key == opinion.first.key), None)
    if named is None or named.kind in HARMLESS or named.contradicted:
        return None
    shown = {c.claim.evidence for c in opinion.supported if c.claim.subject == named.service}
    both = min(named.held, len(shown))
    return named if both >= CORROBORATION else None


def lowered(diagnosis: Diagnosis, opinion: SecondOpinion) -> Diagnosis:
    """Return the diagnosis one step less sure, with the reason, when a model disagrees."""
    if opinion.stand is not Stand.DISAGREES or opinion.first is None:
        return diagnosis
    level = max(_STEPS.index(diagnosis.confidence) - 1, 0)
    why = f"{diagnosis.why_confidence}; one step lower: a model suspects {opinion.first.words}"
    return diagnosis.model_copy(update={"confidence": _STEPS[level], "why_confidence": why})


def acting(diagnosis: Diagnosis, opinion: SecondOpinion | None) -> Diagnosis:
    """Return the diagnosis that a plan is made for: an adopted suspect stands first."""
    if opinion is None or opinion.adopted is None:
        return diagnosis
    key = opinion.adopted.key
    first = [one for one in diagnosis.hypotheses if one.key == key]
    rest = [one for one in diagnosis.hypotheses if one.key != key]
    return diagnosis.model_copy(update={"hypotheses": (*first, *rest)})
