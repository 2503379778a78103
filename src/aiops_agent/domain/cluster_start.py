"""What was found in a cluster before anything is configured, and the values that follow from it."""

from aiops_agent.domain.value import Document, Value


class ClusterStart(Value):
    """What `aiops init --kubernetes` found; addresses are "" where nothing of the kind was seen.

    `homes` are namespaces with how many workloads each has, `only` those that are to be read, ()
    when all are.
    """

    server: str
    homes: tuple[tuple[str, int], ...] = ()
    only: tuple[str, ...] = ()
    prometheus: str = ""
    alertmanager: str = ""
    unreadable: tuple[str, ...] = ()

    @property
    def values(self) -> Document:
        """Values of our chart: it reads, and changes nothing."""
        named = {"prometheus": self.prometheus, "alertmanager": self.alertmanager}
        sources: Document = {"kubernetes": {"namespaces": list(self.only)} if self.only else {}}
        sources |= {name: {"url": url} for name, url in named.items() if url}
        return {
            "config": {"apiVersion": "aiops-agent/v1", "mode": "propose", "sources": sources},
            "cluster": {"read": {"enabled": True, "namespaces": list(self.only)}},
        }

    @property
    def words(self) -> tuple[str, ...]:
        """What was found, a line each."""
        told = ", ".join(f"{name} ({count})" for name, count in self.homes) or "none"
        seen = [f"found: {one}" for one in (self.prometheus, self.alertmanager) if one]
        lost = [
            f"no {name} was found; set config.sources.{name}.url"
            for name, url in (("prometheus", self.prometheus), ("alertmanager", self.alertmanager))
            if not url
        ]
        return (
            f"cluster: {self.server}; workloads by namespace: {told}",
            *(*seen, *lost, *(f"not readable: {one}" for one in self.unreadable)),
        )
