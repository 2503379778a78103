"""`aiops init`: what is there, and a first configuration for it."""

from typing import Annotated

import typer

from aiops_agent.domain.errors import UsageError
from aiops_agent.interfaces.cli import door
from aiops_agent.interfaces.cli.call import Call, called
from aiops_agent.interfaces.cli.exits import Exit


def init(
    context: typer.Context,
    *,
    kubernetes: Annotated[
        bool, typer.Option("--kubernetes", help="Look at a Kubernetes cluster.")
    ] = False,
    cluster: Annotated[
        str, typer.Option("--context", help="The context of the kubeconfig; the current one.")
    ] = "",
    namespaces: Annotated[
        list[str] | None, typer.Option("--namespace", help="Read only these; all that we may.")
    ] = None,
) -> None:
    """Look at a cluster and print values for our chart; nothing is written or changed."""
    call = called(context)
    if not kubernetes:
        raise UsageError("Say what to look at: aiops init --kubernetes.")
    call.overrides["sources.kubernetes.context"] = cluster
    call.overrides["sources.kubernetes.namespaces"] = list(namespaces or ())
    raise typer.Exit(call.run(_init(call)))


async def _init(call: Call) -> Exit:
    import yaml  # noqa: PLC0415 -- only who prints it pays for it

    found = await door.cluster_start(call.settings)
    call.note(*found.words)
    print(yaml.safe_dump(found.values, sort_keys=False), end="")
    call.note("save it as values.yaml, then: helm install aiops deploy/chart --values values.yaml")
    return Exit.DONE
