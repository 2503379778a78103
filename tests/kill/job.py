"""One run of the kill test: where, what happens, and at which points the process dies."""

import json
import os
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Self

from aiops_agent.bootstrap.records import wall_time
from aiops_agent.bootstrap.scripted import scripted_models
from aiops_agent.domain.policy import Freeze
from aiops_agent.settings.sections import Settings
from aiops_agent.settings.store import StoreSettings

HELPS = "helps"  # the plan helps at once
TAKEN_BACK = "taken back"  # the first plan does not help, is taken back, and the second one does
REASONED = "reasoned"  # helps, and models reason beside the statistics
LATER = "later.txt"  # a file: every process of this run lives eleven minutes later
FROZEN = "frozen.txt"  # a file: a freeze has begun
COMMIT = "commit:"  # with a number: right after so many commits of one process
STOPPED = 75  # the exit code of a process that left its story unfinished


@dataclass(frozen=True)
class Job:
    """A state folder of its own; each of `kills` ends the process once, in this order."""

    folder: str
    plot: str = HELPS
    kills: list[str] = field(default_factory=list)
    politely: bool = False  # asked to stop, as by SIGTERM, instead of killed
    stopped: bool = False  # by SIGSTOP instead; another process stands by meanwhile
    executor: str = "ours"
    once: str = "ours"  # or "forgets": the planted defect
    provider: str = ""  # where models are asked
    then: str = ""  # what happens after the first death, see `then.Then`
    executors: int = 0  # processes of their own that send; 0: the story does it itself
    sends: bool = False  # this is that process
    store: str = ""  # an address other than the folder's own SQLite file

    def settings(self) -> Settings:
        """Return the settings of every process of this run."""
        found = Settings(state_dir=Path(self.folder))
        if self.provider:
            found = found.reasoning_with(scripted_models(self.provider))
        if self.store:
            found = found.model_copy(update={"store": StoreSettings(url=self.store)})
        if (Path(self.folder) / FROZEN).exists():
            freeze = (Freeze(reason="no changes now"),)
            frozen = found.policy.model_copy(update={"freeze": freeze})
            found = found.model_copy(update={"policy": frozen})
        return found

    def now(self) -> datetime:
        """Return wall time as the processes of this run know it."""
        late = timedelta(minutes=11) if (Path(self.folder) / LATER).exists() else timedelta()
        return wall_time() + late

    def write(self) -> str:
        """Return the job as one line."""
        return json.dumps(asdict(self)) + "\n"

    @classmethod
    def read(cls, line: str) -> Self:
        """Return the job of a line."""
        return cls(**json.loads(line))

    @property
    def died(self) -> list[str]:
        """The points at which a process of this run has died."""
        path = Path(self.folder) / "died.txt"
        return path.read_text().split() if path.exists() else []

    @property
    def commits(self) -> int:
        """How often a process of this run has committed to its store."""
        return (Path(self.folder) / "commits.txt").stat().st_size

    def committed(self) -> None:
        """Count one more commit."""
        with (Path(self.folder) / "commits.txt").open("a") as file:
            file.write(".")

    @property
    def process(self) -> int:
        """The process that was stopped."""
        return int((Path(self.folder) / "process.txt").read_text())

    def die(self, point: str) -> None:
        """Write the point down, so that it is died at once, for the calling process to end."""
        descriptor = os.open(Path(self.folder) / "died.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(descriptor, f"{point}\n".encode())
        os.close(descriptor)
