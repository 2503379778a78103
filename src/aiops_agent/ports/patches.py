"""Changes as files: written by who knows the platform, made by people."""

from typing import Protocol

from aiops_agent.domain.patch_file import PatchFile
from aiops_agent.domain.remediation import Action


class PatchFiles(Protocol):
    """What an action would be in the files from which a platform is filled."""

    async def patch_file(self, action: Action) -> PatchFile:
        """Return an action as a file; changes nothing. Raises PlatformError, SourceError."""

    async def close(self) -> None:
        """Close the connections of the running loop."""
