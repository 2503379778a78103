"""What is said about errors and in the log leaves secrets out."""

from typing import TYPE_CHECKING

from aiops_agent.interfaces.cli import door

if TYPE_CHECKING:
    from aiops_agent.domain.redact import Clean


class Discreet:
    """Takes secrets out of texts: first by their looks, later those of the settings surely too."""

    def __init__(self) -> None:
        self._clean: Clean | None = None

    def learn(self, clean: "Clean") -> None:
        """Go on with a redactor that knows the configured secrets."""
        self._clean = clean

    def __call__(self, text: str) -> str:
        """Return the text without its secrets."""
        if self._clean is None:
            self._clean = door.clean_by_looks()
        return self._clean(text).text
