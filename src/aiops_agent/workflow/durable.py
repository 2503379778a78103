"""The durable engine below the stories: how it is configured, opened, closed and woken.

Two names are for ever, because waiting incidents are found by them: the application version (else
an upgrade strands them) and the name of the workflows' instance. What may change is the version in
a workflow's own name: `incident.v2` beside `incident.v1` until that has drained.
"""

import logging
import threading
from dataclasses import dataclass, field

from dbos import DBOS, DBOSClient, DBOSConfig
from sqlalchemy import Connection, Engine

from aiops_agent.workflow.steps import PlainJson

VERSION = "aiops"
APPLICATION = "aiops"
POLL_SECONDS = 0.25  # a person does not notice it


@dataclass
class Durable:
    """DBOS on our own database engine."""

    engine: Engine
    _client: DBOSClient | None = None
    _once: threading.Lock = field(default_factory=threading.Lock)

    def launch(self, executor: str) -> None:
        """Start, and resume the unfinished stories of this executor. Call it inside a loop."""
        DBOS(config=self._config(executor))
        DBOS.launch()

    def close(self) -> None:
        """Stop; what is unfinished is resumed by the next launch of the same executor."""
        # A workflow that is cut off here is nobody's error: the next launch resumes it.
        logging.getLogger("dbos").setLevel(logging.CRITICAL)
        DBOS.destroy()

    def wake(self, connection: Connection, incident: str, key: str) -> None:
        """Tell a workflow that something changed, inside the caller's transaction."""
        self._sender().send_in_transaction(
            connection, incident, "look", "wake", idempotency_key=key
        )

    def _sender(self) -> DBOSClient:
        with self._once:
            if self._client is None:
                self._client = DBOSClient(
                    system_database_engine=self.engine,
                    application_name=APPLICATION,
                    serializer=PlainJson(),
                )
            return self._client

    def _config(self, executor: str) -> DBOSConfig:
        return {
            "name": APPLICATION,
            "system_database_url": self.engine.url.render_as_string(hide_password=False),
            "system_database_engine": self.engine,
            "executor_id": executor,
            "application_version": VERSION,
            "serializer": PlainJson(),
            "notification_listener_polling_interval_sec": POLL_SECONDS,
            "scheduler_polling_interval_sec": 300.0,
            "log_level": "ERROR",
        }
