"""What is the cause, and how do we know? Answered by arithmetic over what is seen."""

from aiops_agent.agents.briefing import Briefing
from aiops_agent.domain.diagnosis import Diagnosis
from aiops_agent.reasoning.exhibit import findings, hypothesis, sequence, shown_time
from aiops_agent.reasoning.gather import read_scene
from aiops_agent.reasoning.measure import moment
from aiops_agent.reasoning.rank import confidence, not_known, rank
from aiops_agent.reasoning.suspect import study

MOST_HYPOTHESES = 5  # a reader weighs no more


async def diagnose(briefing: Briefing) -> Diagnosis:
    """Return ranked causes with their findings; raises SourceError when metrics do not answer."""
    incident, pace = briefing.incident, briefing.pace
    scene = await read_scene(briefing.environment, incident, pace.baseline, briefing.now)
    case = study(scene)
    refuted = frozenset(one.refuted for one in incident.attempts if one.refuted)
    ranking = rank(case, refuted)
    shown = findings(case, ranking)
    best = ranking[0]
    sure, why = confidence(case, ranking)
    began = moment(case.scene.began)
    return Diagnosis(
        summary=f"Since {began:%H:%M} {best.suspicion.statement}.",
        hypotheses=tuple(hypothesis(case, one, shown) for one in ranking[:MOST_HYPOTHESES]),
        findings=tuple(shown.values()),
        confidence=sure,
        why_confidence=why,
        not_known=not_known(case, best),
        sequence=sequence(case, best, incident.opened_at),
        began=began,
        shown=shown_time(case),
    )
