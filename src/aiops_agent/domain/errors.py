"""Everything that this package raises on purpose.

AiopsError
|-- UsageError            the person asked for something that does not exist (exit 2)
|-- SettingsError         the configuration cannot be used (exit 4)
|-- BusyError             another process already works on this store or environment (exit 1)
|-- TransitionError       an incident may not move like this: a defect of ours
|-- SourceError           telemetry did not answer, or answered what we cannot read
|   |-- NoSource            nothing of the kind is configured
|   `-- NotReadable         one thing of a source may not be read, or is not there; the rest works
|-- StoreError            our own store did not take or give a record
|   `-- LeaseLost         another process works on the stories by now: this one writes nothing more
|-- CopyError             the copy of our vectors at a server cannot be read or written
|-- LimitReached          as much was asked or read as was allowed: go on another time
|-- LookAhead             what lies behind a moment of the past was to be read: a defect of ours
|-- Tampered              a record was changed by somebody else: nothing rests on it any more
|-- RejectedBody          an inbound body that we will never accept; kept with its reason
|-- NotifyError           a person could not be told; `retry` says whether to try again
|-- ModelError            a language model gave no answer that counts (domain.model)
|-- ApprovalError         an approval that does not count; the reason is shown and recorded
|   `-- NotPermitted      the yes counts, but the world moved on: nothing further is begun
|       |-- OverLimit       a limit or a breaker: enough was done here, a person goes on
|       |-- NotExecuted     no executor took it in time: a person goes on
|       `-- OnHold          not now, such as while sending is stopped: wait and try again
`-- PlatformError         the platform could not be read or asked
    |-- TargetMissing     the target does not exist (any more)
    |-- RequestRefused    the platform refused the request: nothing was done by it
    |-- NotOurs           what is there is not what the operation left: a person takes it back
    `-- OutcomeUnknown    sent, but nobody knows whether it landed: look before judging
"""


class AiopsError(Exception):
    """Base of all our errors; its text is one sentence fit for a person."""


class UsageError(AiopsError):
    """Something named by the person does not exist."""


class SettingsError(AiopsError):
    """The configuration cannot be used."""


class BusyError(AiopsError):
    """Another process holds the store or the environment."""


class TransitionError(AiopsError):
    """An incident may not move from its status to the wanted one."""


class SourceError(AiopsError):
    """A source of telemetry cannot be read."""


class NoSource(SourceError):
    """There is none: nothing of the kind is configured."""


class NotReadable(SourceError):
    """A source answers, and we have no right to this one thing, or it has none."""


class StoreError(AiopsError):
    """Our own store cannot be read or written."""


class LeaseLost(StoreError):
    """Another process holds the lease: what this one wanted to write is refused."""


class CopyError(AiopsError):
    """The copy of our vectors at a server beside cannot be read or written; ours are there."""


class LimitReached(AiopsError):
    """As much was asked or read as was allowed."""


class LookAhead(AiopsError):
    """A replay wanted to know what nobody knew at its moment. No SourceError: it is not missing."""


class Tampered(AiopsError):
    """A record of ours was changed by somebody else."""


class RejectedBody(AiopsError):
    """An inbound body that will never be accepted."""


class NotifyError(AiopsError):
    """A person could not be told; `after`: seconds for which the receiver wants to be left."""

    def __init__(self, message: str, *, retry: bool, after: float = 0.0) -> None:
        super().__init__(message)
        self.retry = retry
        self.after = after


class ApprovalError(AiopsError):
    """An approval that does not count."""


class NotPermitted(ApprovalError):
    """Nothing further of an approved plan may begin."""


class OverLimit(NotPermitted):
    """Enough was done here for now; a person goes on."""


class NotExecuted(NotPermitted):
    """No executor took an approved plan in time; nothing was sent, and a person goes on."""


class OnHold(NotPermitted):
    """Nothing may be sent now; it may be later."""


class PlatformError(AiopsError):
    """The platform to act on cannot be read or asked."""


class TargetMissing(PlatformError):
    """The target of an action does not exist."""


class RequestRefused(PlatformError):
    """The platform refused a request and did nothing."""


class NotOurs(PlatformError):
    """What would have to be taken back is not as the operation left it."""


class OutcomeUnknown(PlatformError):
    """A request was sent and its effect is not known."""
