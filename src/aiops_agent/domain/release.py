"""Which images of a service were seen to run well."""

from datetime import datetime

from aiops_agent.domain.telemetry import ServiceName
from aiops_agent.domain.value import Value


class GoodRelease(Value):
    """An image that a service ran well on, with traffic; `seen` is when that was seen last."""

    service: ServiceName
    image_id: str
    image: str  # the name under which it ran, which may mean another image by now
    seen: datetime

    @property
    def text(self) -> str:
        """The image in a few characters: its name and the start of its id."""
        short = self.image_id.removeprefix("sha256:")[:12]
        named = self.image and not self.image.startswith("sha256:")
        return f"{self.image} ({short})" if named else short
