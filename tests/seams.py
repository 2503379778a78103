"""The places in the product where tests plant defects; a guarantee is worth what its defect shows.

Whoever renames one of these mends this file alone. Import contracts and house limits have planted
violations of their own, in tests/house.
"""

from dataclasses import dataclass

import pytest
from dbos import _sys_db

from aiops_agent import correlate
from aiops_agent.adapters import cleaned, ownership
from aiops_agent.adapters.cold_storage import ColdFile
from aiops_agent.adapters.docker import clone, platform
from aiops_agent.adapters.docker.back import WayBack
from aiops_agent.adapters.docker.endpoint import Endpoint
from aiops_agent.adapters.kubernetes import (
    config_hands,
    config_maps,
    config_versions,
    json_patch,
    node_hands,
    payload,
    pod_hands,
    workload_hands,
)
from aiops_agent.adapters.kubernetes import plug as kube_plug
from aiops_agent.adapters.kubernetes import rollback as kube_rollback
from aiops_agent.adapters.kubernetes import scale as kube_scale
from aiops_agent.adapters.kubernetes.config_maps import LiveConfigMap
from aiops_agent.adapters.kubernetes.kept import KeptKind
from aiops_agent.adapters.kubernetes.live import LiveWorkload
from aiops_agent.adapters.prometheus.access import Access
from aiops_agent.adapters.sql import approvals, store
from aiops_agent.adapters.sql.approvals import SqlApprovals
from aiops_agent.adapters.sql.calls import SqlCallLog
from aiops_agent.adapters.sql.erase import Erasure
from aiops_agent.adapters.sql.inbox import SqlInbox
from aiops_agent.adapters.sql.incidents import SqlAlerts
from aiops_agent.adapters.sql.outbox import SqlOutbox
from aiops_agent.adapters.sql.store import SqlStore
from aiops_agent.agents import ask, asking, critique, diagnose, plan, report_story, sight, verify
from aiops_agent.backtest import pinned, replay
from aiops_agent.bootstrap.application import Overrides
from aiops_agent.domain import passage, redact
from aiops_agent.domain.event import Event
from aiops_agent.domain.reasoning import SecondOpinion
from aiops_agent.domain.remediation import PreparedPlan
from aiops_agent.domain.routing import Routes
from aiops_agent.domain.sending import ServiceBreaker
from aiops_agent.interfaces.cli import inbox, keyboard
from aiops_agent.interfaces.cli.discreet import Discreet
from aiops_agent.interfaces.http.app import OneLength
from aiops_agent.interfaces.http.room import Place
from aiops_agent.interfaces.http.visitor import Doorstep
from aiops_agent.interfaces.http.wire import Caller
from aiops_agent.memory import advise, casebook
from aiops_agent.memory.copied import VectorCopy
from aiops_agent.reading import refute
from aiops_agent.reading.case import AlertCase
from aiops_agent.reasoning import (
    blame,
    claims,
    detect,
    machines,
    measure,
    objections,
    observations,
    orders,
    rank,
    suspect,
)
from aiops_agent.reasoning.evidence import Scorer
from aiops_agent.safety import approve, assess, limits, permit, send, times
from aiops_agent.safety.execute import Executor
from aiops_agent.workflow import (
    commands,
    dispatch,
    executor_steps,
    gate,
    intake,
    pruning,
    questions,
    receive,
)
from aiops_agent.workflow.dispatch import Dispatch
from aiops_agent.workflow.feed import Feed
from aiops_agent.workflow.lease import Tenure
from aiops_agent.workflow.loops import Loop
from aiops_agent.workflow.pruning import Pruning
from aiops_agent.workflow.queries import Queries
from aiops_agent.workflow.receive import Receive


@dataclass(frozen=True)
class Seam:
    """A name in the product that a test may replace, and what the test shows with it."""

    owner: object
    name: str
    shows: str

    def __str__(self) -> str:
        """Its name with that of its owner."""
        return f"{getattr(self.owner, '__name__', self.owner)}.{self.name}"

    def plant(self, patch: pytest.MonkeyPatch, defect: object) -> None:
        """Put the defect in its place until the test, or the context of the patch, is over."""
        patch.setattr(self.owner, self.name, defect)


# What dismisses an alert.
OUR_QUANTILE = Seam(refute, "OUR_QUANTILE", "a p95 dismisses no alert of a p99")
NEVER_REFUTED = Seam(refute, "never", "a calm dismisses no event, and no data what is missing")
ELSEWHERE = Seam(AlertCase, "elsewhere", "what others count is dismissed by no count of ours")
STALE = Seam(sight, "stale", "signals that are no longer seen dismiss nothing")
CALM = Seam(sight, "calm", "two good minutes do not dismiss an hour")
ALONE = Seam(sight.TriageLook, "_alone", "the mean of many instances dismisses no alert of one")
SAME_SERIES = Seam(sight, "measures_the_same", "an exporter's up dismisses no alert of its thing")
JITTER = Seam(correlate, "JITTER", "who began first is told from who was pushed")
# What the watch sees without an alert.
WATCH_HOLD = Seam(detect, "HOLD", "what passes within a minute and a half is no trouble")
FOLLOWED = Seam(KeptKind, "unknown", "a cluster that is not heard of is not taken as it was")
UNALERTED = Seam(executor_steps, "unalerted", "the watch alone is no reason to change anything")
STAYING = Seam(
    verify, "_staying", "who does not stay up has not recovered, whoever serves meanwhile"
)
BLIND = Seam(verify, "last_blind", "right behind a gap in telemetry nothing is called worse")
# The executor's sender: what it does after trouble.
RECOVER = Seam(send.Sender, "_recover", "nothing is sent twice or guessed after a silence")
REFUSED = Seam(send.Sender, "_refused", "a refusal is looked after before it is believed")
CLAIMED = Seam(send.Sender, "_claimed", "of two processes one sends")
ENDED_UNSENT = Seam(send.Sender, "end", "what a person goes on with is sent by nobody later")
MOST_ASKS = Seam(send, "MOST_ASKS", "a process that is always held up sends nothing, and ends")
MOST_SENDS = Seam(send, "MOST_SENDS", "a sender that never ends is cut off")

# Memory: it puts in order what may be done anyway.
MENU = Seam(advise, "_fits", "what memory praises adds no action")
COMPARED = Seam(VectorCopy, "scored", "what a server finds near is looked up and compared by us")
# The approval: for exactly one plan, in its time, once.
FLAW = Seam(approve, "_flaw", "a yes to another plan arms nothing")
LATE = Seam(permit, "late", "an old yes arms nothing")
CLOCK_SLACK = Seam(approve, "CLOCK_SLACK", "a yes from before the question counts for nothing")
PERMITTED = Seam(permit, "permitted", "what was taken, ended or grew old begins nothing")
GREW_STRICTER = Seam(permit, "stricter", "a freeze that begins later counts")
GENUINE = Seam(permit, "genuine", "an edited row is never sent")
CLAIM = Seam(permit, "claim", "a plan that waits holds nothing, so that no two wait for each other")
CLAIMED_BY = Seam(permit, "claimed", "two incidents do not act on one service at once")
FRESH = Seam(Executor, "_fresh", "nothing is sent to a target that somebody changed")
AS_PLANNED = Seam(Executor, "_as_planned", "nothing is armed for a target that somebody changed")
WHOLE_ROW = Seam(approvals, "_whole", "a row whose columns say something else is not read")
OPEN_APPROVALS = Seam(approve, "OPEN_APPROVALS", "what has ended does not end again")
DIGEST = Seam(PreparedPlan, "digest", "the digest covers every leaf of the plan")
CHANGE = Seam(SqlApprovals, "change", "of many answers at once one counts")
NAMED = Seam(SqlApprovals, "named", "digits that fit two open plans name neither")
STANDS = Seam(gate, "_stands", "a late answer changes nothing of its incident")

# The person at a terminal: one line, typed after the question.
FORGET = Seam(keyboard, "_forget", "what was typed before the question does not count")
MORE_TYPED = Seam(keyboard, "_waiting", "a pasted block answers nothing")
FLAW_OF_LINE = Seam(keyboard, "_flaw", "only a whole line of visible text is an answer")

SHARED_BY_CHANCE = Seam(machines, "CHANCE", "two suspects on one machine are no machine")
# A diagnosis of two faults.
A_MOMENT_AGO = Seam(measure, "FEWEST_LATEST", "what began half a minute ago is seen")

# Blame: arithmetic over what was measured, and nothing else.
BLAME_TIES = Seam(blame, "ranking", "neither order nor name breaks a tie")
SOUND_INPUT = Seam(blame, "made_sound", "the hour of the clock does not matter")
SCORED = Seam(Scorer, "at", "no numbers make it raise")
FLOOR_OF_PEERS = Seam(Scorer, "_floor", "the unit of a metric does not matter")
BLAME_MOVES = Seam(rank, "_moved", "a hang names no service against what was measured")
JOINED_SCORE = Seam(rank, "score", "the joined ranking rests on what was seen alone")
LOST_ANSWERS = Seam(
    suspect.Investigation, "served", "who only waits for what nobody sees is not taken for stuck"
)
STRONG = Seam(plan, "strong", "nothing is proposed on a score without a sign of its mechanism")
TELLING_COLUMNS = Seam(observations, "_telling", "a column that says nothing changes nothing")

# The controls: stop, limits, breakers, the clock.
STOPPED = Seam(limits, "stopped", "under a stop nothing is sent")
COUNT_ARMED = Seam(limits, "count", "no storm gets over the limits")
ROOM = Seam(permit, "room", "beyond the limit nothing is armed")
CLOSED = Seam(ServiceBreaker, "closed", "a service that failed twice is closed")
JUMPED = Seam(times, "jumped", "a clock set back revives no question")
NOTED = Seam(times, "note", "the largest time seen is kept")

# Secrets: taken out where texts come in, and of what is said.
BODIES = Seam(intake, "without_secrets", "no secret of a body is kept")
RULES = Seam(cleaned, "_Rules", "no secret of an alerting rule is kept")
TROUBLE = Seam(cleaned, "_told", "no secret of an address that failed is kept")
SAID = Seam(Discreet, "__call__", "no secret is logged")

# The policy: the strictest opinion wins.
STRICTNESS = Seam(assess, "STRICTNESS", "the order of the rules does not matter")

# A model beside the statistics.
FLAW_OF_CLAIM = Seam(claims, "flaw", "a claim that no finding shows is struck")
UNFOUNDED = Seam(objections, "unfounded", "a critic's quote stands there and speaks of the plan")
UNSUPPORTED = Seam(ask, "flaw_of", "a sentence that its citations do not support is struck")
UNTOLD = Seam(report_story, "untold", "a model writes no number and no address into a report")
NARROWED = Seam(asking, "narrowed", "a model's free text reaches no screen and no plan")
NEEDS_PERSON = Seam(SecondOpinion, "needs_person", "a disagreement needs a person")

# The hands on Docker: what is not ours stays as it is.
MODEL_OF = Seam(platform, "model_of", "a container that only carries the label is not copied")
RIGHTS_OF = Seam(platform, "rights_of", "what has rights on its host is copied by no machine alone")
SAME = Seam(platform.DockerPlatform, "_same", "a request meets the container that was planned for")
TLS_CONTEXT = Seam(Endpoint, "context", "an engine over TCP proves who it is")
ILL_OF = Seam(platform, "ill_of", "a restart leaves the healthy containers alone")
HELD_BACK = Seam(clone, "held_back", "secrets of a container are in no plan")
SAME_IMAGE = Seam(platform, "_same_image", "a crash between plan and send voids no rollback")
GOOD_ONLY = Seam(platform, "known_good", "a rollback goes to no image but one that ran well")
LEDGER_ONLY = Seam(WayBack, "_removed", "taking back removes only what the ledger says we made")

# The hands on Kubernetes: one change of one generation of one object, or none.
AS_GO_WRITES = Seam(json_patch, "_AS_GO_WRITES", "equal text is equal to the API server")
PATCH_TESTS = Seam(payload, "same", "a patch meets only the workload that was planned for")
BY_MARK = Seam(workload_hands, "sight_of", "our mark says whether a patch has landed")
RECONCILED = Seam(LiveWorkload, "owned", "what somebody else would put back is not changed")
AUTOSCALED = Seam(kube_scale, "scaled_by", "what an autoscaler sets is not set")
EVICTION_TRIED = Seam(pod_hands, "try_out", "no eviction is sent that a budget forbids")
POD_STATE = Seam(pod_hands, "_state", "a pod that got well meanwhile is left alone")
POD_MAKER = Seam(pod_hands, "_controller", "no pod is ended that nobody makes anew")
CORDON_IS_OURS = Seam(node_hands, "_by_us", "what somebody else cordoned is not uncordoned")
CONFIG_AS_LEFT = Seam(LiveConfigMap, "digest", "what somebody else set in a map stays")
CONFIG_TESTS = Seam(config_maps, "same", "a value is set of exactly the map that was planned on")
CONFIG_HIDDEN = Seam(config_maps, "hidden", "no secret of a map is read into a plan")
CONFIG_KEPT = Seam(config_versions, "hidden", "no secret of a map is kept beside its versions")
CONFIG_READ = Seam(config_hands, "reads", "no setting is changed that the workload does not read")
RIGHTS_GAINED = Seam(kube_rollback, "gained", "a rollback gives a pod no right that it has not")
TWO_ACCOUNTS = Seam(kube_plug, "Writes", "the account that reads changes nothing")
KUBE_GOOD_ONLY = Seam(workload_hands, "known_good", "a rollback goes to what ran well only")

# Death and trouble in the middle.
EXECUTOR = Seam(Overrides, "executor", "hands that record after acting are caught by the kill test")
MARK = Seam(Overrides, "mark", "a process dies at every point of the story")
CREW = Seam(Overrides, "crew", "an agent that breaks ends with a person")
BEGIN = Seam(SqlStore, "begin", "a process dies right after any commit")
READ = Seam(SqlStore, "read", "a view waits for no writer and cannot write")
SNAPSHOT = Seam(store, "snapshot", "a view is one moment of the store")
FOLLOW = Seam(Feed, "follow", "whoever comes late to the feed misses nothing")
BRIEFED = Seam(questions.Questions, "_read", "a store that is away ends no story")
PATIENTLY = Seam(questions, "patiently", "a question waits for a store that is away")
SLEEPS = Seam(_sys_db, "time", "a server that is back is noticed soon, and none delays an end")
ONCE = Seam(questions, "OnceSteps", "a finished call of an agent is not made again")
ANSWERED = Seam(SqlCallLog, "answered", "an answer on record is not paid again")
PUT_ALERTS = Seam(SqlAlerts, "put", "a batch of alerts is taken whole or not at all")

# The past: what is said of it is what was known then.
PAST_ASKED = Seam(pinned.Moment, "asked", "a replay reads nothing of a later time")
PAST_ANSWERED = Seam(pinned.Moment, "answered", "a source that answers with later times is caught")
REPLAY_CLOCK = Seam(replay, "PastClock", "a replay begins when its alert fired")

# Which incident an alert belongs to.
FIRES_ANEW = Seam(receive, "fires_anew", "a new firing is looked at, a repetition opens nothing")
WITNESSES = Seam(correlate, "_witnesses", "only what nothing else explains tells of the silent")
FLAPS = Seam(correlate, "_flaps", "what flaps right behind its end makes no second incident")
STILL = Seam(casebook, "_still", "compaction overwrites nothing that changed meanwhile")
CITED = Seam(casebook, "cited", "what an open incident or a person names is not merged")
CONDENSED = Seam(Event, "condensed", "decisions, approvals and effects never leave the store")
BODIES_GONE = Seam(Erasure, "_bodies", "of what is forgotten no body stays")
STORIES_GONE = Seam(pruning, "erase", "of what is forgotten no checkpoint stays")
COLD_ALONE = Seam(ColdFile, "_alone", "no line is lost while another process writes the file anew")
COLD_GONE = Seam(ColdFile, "remove", "of what is forgotten no merged original stays")
OVER = Seam(Pruning, "_over", "what is under way or due keeps its checkpoints")
VOID = Seam(gate.Gate, "void", "no permission outlives a change of its alerts")

# Telling people: nothing is lost on the way, and nothing is told that is not so.
ADD = Seam(SqlOutbox, "add", "what was read of the bus is kept")
END = Seam(Dispatch, "_end", "a death after telling tells again under the same key")
SUPERSEDE = Seam(Dispatch, "_supersede", "of an incident the newest notice is told, no other")
OBSOLETE = Seam(dispatch, "obsolete", "an expired question is not told")

# One process at a time.
FENCE = Seam(Tenure, "check", "a former owner of the lease writes nothing")
MINE = Seam(Tenure, "_mine", "nobody renews the lease of another")

# Loops and readiness.
TRIED = Seam(Loop, "tried", "a loop outlives every kind of error")
ADVANCE = Seam(SqlInbox, "advance", "a long body goes on where it was")
ATTEMPT = Seam(SqlInbox, "attempt", "ready means that a write was taken")
HANDLE = Seam(Receive, "handle", "an inbox that fails is tried again, and is not ready meanwhile")

# The way out.
CONTEXT = Seam(Access, "context", "a server whose certificate nobody signed is not believed")

# The way in: a token reaches only what it names.
ROUTE = Seam(Routes, "route", "a token for one environment cannot reach another")
TOKEN_NAME = Seam(commands, "token_name", "a token is called by plain letters")
STANDING = Seam(inbox, "standing", "a body that waits is told with its reason")
STEPS = Seam(ownership, "_steps", "a folder on the way that others can write is told")
GUARDED = Seam(Queries, "guarded", "after the only token was revoked nobody is let in")
REFUSAL = Seam(Doorstep, "refusal", "a page of another site comes in without a token")
HEAD = Seam(Caller, "_cut_off", "a request whose head never ends is cut off")
FITS = Seam(Place, "fits", "all bodies together have one room")
ONE_LENGTH = Seam(OneLength, "__call__", "a request with two ends is not begun")

# Untrusted text on its way out, and what comes back.
STRICTER = Seam(critique, "stricter", "a second critic takes nothing back that the first said")
ADOPTED = Seam(diagnose, "adopted", "a model's suspect counts only where statistics are silent")
DOCUMENT = Seam(redact.Redactor, "document", "what only its key gives away reaches no model")
VALUED = Seam(redact, "_valued", "a value behind a secret's name leaves nothing behind")
LOGINS = Seam(redact, "_logins", "a password in an address leaves nothing behind")
ENOUGH = Seam(orders, "_ENOUGH", "a line is not called an order for one word in it")
BROKEN = Seam(passage, "_broken", "a text cannot end its own block")
