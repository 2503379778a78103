"""How likely is the first of a ranking to be right, and is that enough to name it?

A logistic regression (a textbook's) over two figures that any system has: how strong the evidence
of the first is, and which part of all suspicion it draws, which its lead is part of. Fitted on the
shared incidents and on degraded copies of them; with each system left out in turn it told right
from wrong with an AUROC of .83, and had a Brier score of .148 where the constant has .194
(docs/diagnosis.md). Which sources were there is not among the figures: with three systems it would
only tell which system it is.

A live diagnosis joins blame with mechanisms: `believed` is the only source of how sure it is, of
HIGH, MEDIUM and LOW, and of whether anything is proposed.
"""

import math
from dataclasses import dataclass

from aiops_agent.domain.diagnosis import Confidence
from aiops_agent.reasoning.blame import BlameRanking

BIAS, STRENGTH, PART = -3.46, 1.89, 3.34  # as fitted
# People read five lines of a list: a first that is likelier than one in five is worth its name.
NAMED = 0.2


def probability(ranking: BlameRanking) -> float:
    """Return how likely the first one is right, 0..1; 0 without evidence or with several first."""
    if not ranking.evident or ranking.tied:
        return 0.0
    scores = [one.score for one in ranking.blamed]
    part = scores[0] / math.fsum(scores)
    return logistic(BIAS + STRENGTH * math.log1p(scores[0]) + PART * part)


def logistic(x: float) -> float:
    """Return 1 / (1 + e^-x), for any x."""
    return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, x))))


# Of a live diagnosis, fitted on 527 of the shop (whole and degraded) and 126 of the shared
# incidents by five signals a service, each of the four systems counted alike (docs/diagnosis.md).
LIVE_BIAS = -3.19
LIVE_SCORE, LIVE_MARGIN, LIVE_AGREED, LIVE_SIGHT = 0.84, 0.38, 1.57, 0.16  # as fitted
LIVE_SIGN, LIVE_GRAPH = 2.3, 0.34  # as fitted
SURE, LIKELY = 0.75, 0.6  # from here HIGH and MEDIUM
ACTED_ON = 0.5  # more likely right than wrong: below it nobody is asked to change anything


@dataclass(frozen=True)
class Grounds:
    """What speaks for the first cause of a live diagnosis; figures are 0..1."""

    score: float  # of its predictions
    margin: float  # before the next cause that would call for something else
    agreed: float  # its service's part of all blame
    sight: float  # of its predictions, the part that could be seen
    sign: bool  # a prediction held that is of this mechanism alone
    contradicted: bool
    graph: bool  # who calls whom is known
    saturation: bool  # the use of the suspect's capacity is seen, or it is not ours


def believed(on: Grounds) -> float:
    """Return how likely the first cause of a live diagnosis is right, 0..1."""
    return logistic(
        LIVE_BIAS
        + LIVE_SCORE * on.score
        + LIVE_MARGIN * on.margin
        + LIVE_AGREED * on.agreed
        + LIVE_SIGHT * on.sight
        + LIVE_SIGN * on.sign
        + LIVE_GRAPH * on.graph
    )


def level(on: Grounds, *, whole: bool) -> Confidence:
    """Return the word for a belief; HIGH only with graph and saturation, and nothing hidden."""
    belief = believed(on)
    if not on.sign or on.contradicted or belief < LIKELY:
        return Confidence.LOW
    seen = whole and on.graph and on.saturation
    return Confidence.HIGH if seen and belief >= SURE else Confidence.MEDIUM
