"""A change as a file: for who makes it where the object is written, such as a repository."""

from aiops_agent.domain.value import Value


class PatchFile(Value):
    """One action as its platform would have it in a file, and as a person would type it.

    `text` is "" where the action is nothing that stands in a file. `notes` say who owns the object
    and what the file leaves out.
    """

    action: str
    name: str = ""  # a name for the file
    text: str = ""
    run: str
    notes: tuple[str, ...] = ()
