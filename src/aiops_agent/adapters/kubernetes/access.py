"""Who we are to a cluster: kubeconfig or service account, TLS, tokens, all by lightkube.

Imported with the first request, since lightkube takes a quarter of a second. Its typed client is
not used: objects are read as plain documents, so that none is dropped for a field that it does not
know, and a watch, a previous log or a precondition need nothing private of it.
"""

from pathlib import Path

import httpx2
from lightkube.config.client_adapter import ConnectionParams
from lightkube.config.kubeconfig import KubeConfig, SingleConfig
from lightkube.config.models import User
from lightkube.core.exceptions import ConfigError
from msgspec import MsgspecError
from yaml import YAMLError

from aiops_agent.domain.errors import SourceError

SETTING = "sources.kubernetes"
# What a file of another shape, without its certificates or without a user makes of lightkube.
_UNREADABLE: tuple[type[Exception], ...] = (
    *(ConfigError, MsgspecError, YAMLError, OSError, LookupError, TypeError, ValueError),
    *(AttributeError, AssertionError),
)
# What a token that cannot be read makes of a request, and nothing that a connection makes of one.
NO_TOKEN = (ConfigError, PermissionError, IsADirectoryError, UnicodeError)


def chosen(kubeconfig: Path | None, context: str, token: Path | None = None) -> SingleConfig:
    """Return where the cluster is and who we are there; without a file, the pod we run in.

    With `token` we are whoever the token in that file belongs to, and nobody else. Raises
    SourceError when the file or its context cannot be used.
    """
    where = str(kubeconfig) if kubeconfig else "the service account of this pod"
    try:
        known = (
            KubeConfig.from_file(kubeconfig) if kubeconfig else KubeConfig.from_service_account()
        )
        if context and context not in known.contexts:
            names = ", ".join(sorted(known.contexts)) or "none"
            wanted = f"correct {SETTING}.context"
            raise SourceError(f"{where} has no context {context!r} (it has {names}); {wanted}.")
        found = known.get(context or None)
    except _UNREADABLE as error:
        raise _unusable(where, error) from error
    assert found is not None  # only with a default of None
    return found._replace(user=User(token_file=str(token))) if token else found


def opened(
    config: SingleConfig, seconds: float, transport: httpx2.AsyncBaseTransport | None
) -> httpx2.AsyncClient:
    """Return a client that is let in as this configuration says. Raises SourceError."""
    limits = httpx2.Timeout(seconds)
    try:
        params = ConnectionParams(timeout=limits, trust_env=False)
        params.transport = transport  # type: ignore[assignment] # it takes the asynchronous one too
        # Each kind of each namespace that is followed holds a connection for itself.
        unbounded = httpx2.Limits(max_connections=None, max_keepalive_connections=20)
        return httpx2.AsyncClient(**params.httpx_params(config), limits=unbounded)
    except _UNREADABLE as error:
        raise _unusable(f"context {config.context_name!r}", error) from error


def _unusable(where: str, error: Exception) -> SourceError:
    told = isinstance(error, ConfigError | OSError | YAMLError | MsgspecError)
    said = " ".join(str(error).split())[:200].rstrip(".") if told else "it is no kubeconfig"
    return SourceError(f"Kubernetes: {where} cannot be used ({said}); set {SETTING}.kubeconfig.")
