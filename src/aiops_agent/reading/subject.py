"""Of whom does an alert speak? The thing that a metric measures, never who carries the metric."""

# limit: each way in which labels tell a subject stands beside the others.

import re
from collections.abc import Mapping, Sequence

from aiops_agent.domain.labels import (
    CONTROL_PLANE,
    KUBE_OBJECTS,
    MACHINES,
    NAMED_OBJECTS,
    NODES,
    SOFTWARE,
    THINGS,
    UNOWNED,
    address,
    carried,
    carrier,
    composed,
    found_by,
    known_as,
    numbered,
    plain,
    says,
    spelled,
)
from aiops_agent.domain.meaning import AlertSubject
from aiops_agent.domain.remediation import TargetKind as Kind
from aiops_agent.reading.expression import AlertExpression
from aiops_agent.reading.tree import LabelMatcher

_KUBE = re.compile(r"kube_((?!state_)[a-z]+)(?:_|$)")
_OPERATION = re.compile(r"(?:i?rate|burnrate|ratio|sum|avg|max|min|count|increase|p?\d+)")
_CLOUD = re.compile(r"(?i)^(?:aws|azure|gcp|google)[_/]")
_INSTANCES = ("container", "container_name", "pod", "pod_name", "kubernetes_pod_name", "name")
_SCRAPED = ("app", "service", "job", "instance", *_INSTANCES[:-1])
# What a carrier tells of itself.
_OF_CARRIERS = re.compile(
    r"(?:\w+_)?exporter_|otelcol_|kube_state_metrics_|snmp_scrape_|promtail_|vmagent_|cadvisor_"
    r"|cloudwatch_requests_|stackdriver_monitoring_|azurerm_stats_"
)
_UNITS = re.compile(r".*\.(?:service|timer|socket|mount|target)$")

Labels = Mapping[str, str]


def subject_of(
    labels: Labels,
    expression: AlertExpression | None,
    known: Sequence[str] = (),
    things: Mapping[str, Kind] = THINGS,
) -> AlertSubject:
    """Return of what an alert speaks; `known` are the services, `things` the labels that name."""
    told = {name: value for name, value in labels.items() if says(value)}
    reader = _SubjectReader(told, expression, tuple(known), things)
    found = reader.subject()
    if found is None and expression is not None:
        more = {**_chosen(expression), **told}
        found = _SubjectReader(more, expression, tuple(known), things).subject()
    found = found or reader.software()
    if found.kind is Kind.SERVICE and CONTROL_PLANE.fullmatch(found.service.lower()):
        return found.model_copy(update={"kind": Kind.CLUSTER})
    return found


def _metrics(expression: AlertExpression | None) -> tuple[str, ...]:
    names = (one.metric for one in expression.measured) if expression is not None else ()
    return tuple(dict.fromkeys(_plain_metric(name) for name in names if name))


def _chosen(expression: AlertExpression) -> dict[str, str]:
    """Return the labels that all measured series have because they were chosen so."""
    each = [dict(map(_meant, measured.matchers)) for measured in expression.measured]
    first = each[0] if each else {}
    return {name: value for name, value in first.items()
            if says(value) and all(one.get(name) == value for one in each)}  # fmt: skip


def _meant(one: LabelMatcher) -> tuple[str, str]:
    """Return which label is chosen, and what a plain name in a pattern is; "" for anything else."""
    name = one.value.strip(".*+^$") if one.sign == "=~" else one.value
    plain_name = one.sign == "=" or (one.sign == "=~" and re.fullmatch(r"[\w-]{3,}", name))
    return one.label, name if plain_name else ""


def _plain_metric(name: str) -> str:
    parts = name.strip(":").split(":")  # of a recording rule: level, metric, operations
    last = len(parts) == 2 and _OPERATION.match(parts[1]) is None
    return parts[1] if last or len(parts) > 2 else parts[0]


class _SubjectReader:  # limit: one question per kind of carrier, asked in their order
    """The labels and metrics of one alert."""

    def __init__(
        self,
        labels: Labels,
        expression: AlertExpression | None,
        known: tuple[str, ...],
        things: Mapping[str, Kind],
    ) -> None:
        self.labels, self.known, self.things = labels, known, things
        self.metrics = metrics = _metrics(expression)
        self.first = metrics[0] if metrics else ""
        self.word = self.first.partition("_")[0].lower()
        self.expression = expression

    def subject(self) -> AlertSubject | None:
        reads = (
            self._objective, self._kubernetes, self._volume, self._machine, self._probed,
            self._container, self._target, self._named, self._consumer, self._scraped,
        )  # fmt: skip
        found = (read() for read in reads)
        return next((one for one in found if one is not None), None)

    def software(self) -> AlertSubject:
        """Return whose metrics they are, where no label tells; else the kind of thing alone."""
        name = self._family()
        return self._service(name) if name else self._nobody()

    def _objective(self) -> AlertSubject | None:
        if name := self.labels.get("sloth_service") or self.labels.get("aiops_service"):
            return self._service(name)
        slo = self.labels.get("slo") or self.labels.get("slo_name") or ""
        begun = [name for name in self.known if slo.lower().startswith(f"{name.lower()}-")]
        return self._service(max(begun, key=len)) if begun else None

    def _kubernetes(self) -> AlertSubject | None:
        """kube-state-metrics: the word behind `kube_` says which label names the object."""
        objects = [found.group(1) for metric in self.metrics if (found := _KUBE.match(metric))]
        if not objects and not self._carried_by_kube():
            return None
        for word in objects:
            label, kind = KUBE_OBJECTS.get(word, (word, Kind.CLUSTER))
            if self.labels.get(label):
                return self._of(kind, self.labels[label])
        if objects and not self.labels.keys() & self.things.keys():
            return AlertSubject(kind=Kind.CLUSTER, name=self.labels.get("namespace", ""))
        pods = [self.labels[one] for one in ("pod", "container") if self.labels.get(one)]
        if not objects and pods and not self.labels.keys() & self.things.keys():
            return self._best([one for one in pods if not carrier(one)], Kind.POD)
        return None

    def _carried_by_kube(self) -> bool:
        told = (self.labels.get(name, "") for name in ("job", "service"))
        return not self.metrics and any("kube-state-metrics" in one for one in told)

    def _volume(self) -> AlertSubject | None:
        """A claim of a volume is named after what uses it, an object after itself."""
        claim = self.labels.get("persistentvolumeclaim", "")
        if claim and self.first.startswith("kubelet_"):
            return AlertSubject(kind=Kind.CLUSTER, name=claim, owner=known_as(claim, self.known))
        name = self.labels.get("exported_name") or self.labels.get("name") or ""
        if name and self.word in NAMED_OBJECTS:
            return AlertSubject(kind=Kind.CLUSTER, name=name, owner=known_as(name, self.known))
        return None

    def _machine(self) -> AlertSubject | None:
        job = self.labels.get("job", "")
        is_machine = self.word in MACHINES or self.first.startswith("kubelet_")
        if self.first == "up" or not self.metrics:
            bare = re.fullmatch(r"(?:.*[-_/])?(?:node|windows|systemd)(?:[-_]?exporter)?s?", job)
            only = "node" in self.labels and job in {"", "kubelet"} and "host" not in self.labels
            named = known_as(self.labels.get("service", ""), self.known)
            is_machine = (bare is not None or only) and not named
        if not is_machine or (self.first.endswith("_up") and self.word not in MACHINES):
            return None
        order = ("node", "nodename", *(n for n in NODES if n not in {"node", "nodename"}))
        names = [plain(self.labels[name]) for name in order if self.labels.get(name)]
        named = next((name for name in names if not address(name)), next(iter(names), ""))
        return AlertSubject(kind=Kind.NODE, name=named)

    def _probed(self) -> AlertSubject | None:
        """A probe tells of its target: the address is the subject, not the prober."""
        target = self.labels.get("target") or self.labels.get("instance", "")
        probing = self.word in {"probe", "ssl"} or "://" in target
        if not probing or not target:
            return None
        host = plain(target)
        return AlertSubject(kind=Kind.TARGET, name=target, owner=known_as(host, self.known)
                            or (host if "." not in host and "://" in target else ""))  # fmt: skip

    def _container(self) -> AlertSubject | None:
        """CAdvisor and docker's own: their labels are the container's."""
        jobs = plain(self.labels.get("job", ""))
        if self.word not in {"container", "docker"} and (self.metrics or jobs != "cadvisor"):
            return None
        for label, kind in self.things.items():
            if label.startswith("container_label") and self.labels.get(label):
                return self._of(kind, self.labels[label])
        names = [self.labels[name] for name in _INSTANCES if self.labels.get(name)]
        if not names and self.expression is not None:
            chosen = (one for m in self.expression.measured for one in m.selected(*_INSTANCES))
            names = [one for one in chosen if re.fullmatch(r"[\w-]+", one)]
        if names and "pod" not in self.labels and not known_as(names[-1], self.known):
            names[-1] = composed(names[-1]) or names[-1]
        return self._best(names, Kind.POD) if names else None

    def _target(self) -> AlertSubject | None:
        """`up` and what a scrape costs tell of the target itself, be it an exporter."""
        if self.word not in {"up", "scrape"} and not _OF_CARRIERS.match(self.first):
            return None
        names = [self.labels.get(name, "") for name in ("job", "service", "instance")]
        told = [one for one in names if one and not found_by(one)]
        instance = plain(self.labels.get("instance", ""))
        if not told:
            return None
        for one in told:
            if service := known_as(one, self.known):
                return AlertSubject(kind=Kind.TARGET, name=self.labels.get("instance", ""),
                                    owner=service)  # fmt: skip
        owner = plain(told[0])
        if CONTROL_PLANE.fullmatch(owner):
            return AlertSubject(kind=Kind.CLUSTER, name=owner)
        # Where nobody sees an exporter by itself: without it nothing of its thing is seen.
        things = (known_as(carried(one), self.known) for one in told)
        owner = next((one for one in things if one), owner)
        return AlertSubject(kind=Kind.TARGET, name=instance or plain(told[0]), owner=owner)

    def _named(self) -> AlertSubject | None:
        for label, kind in self.things.items():
            value = self.labels.get(label, "")
            if not value or (label == "exported_job" and (_CLOUD.match(value) or found_by(value))):
                continue
            if carrier(value) and not known_as(value, self.known):
                continue
            return self._of(kind, value)
        return None

    def _consumer(self) -> AlertSubject | None:
        """Who reads a topic or works on a queue is behind, not the broker."""
        if "topic" in self.labels and self.labels.get("group"):
            return self._service(self.labels["group"])
        hostname = self.labels.get("hostname", "")
        if self.word == "celery":
            found = known_as(hostname, self.known) or (spelled(hostname)[-1] if hostname else "")
            named = self._of(Kind.POD, hostname) if hostname else AlertSubject()
            return named if found else AlertSubject()
        return None

    def _scraped(self) -> AlertSubject | None:
        """The labels of the scraped target itself: its job, service, instance, pod."""
        server = self.labels.get("server") or self.labels.get("backend") or ""
        proxied = self.labels.get("proxy", "")
        if not server and known_as(proxied, self.known):
            return self._service(proxied)
        if server and not address(server):
            return self._of(Kind.POD if _ordinal(server) else Kind.SERVICE, server)
        names = [self.labels.get(one, "") for one in _SCRAPED]
        own = [one for one in names if one and not self._strange(one)]
        for one in own:
            if service := known_as(one, self.known):
                return self._belonging(service)
        software = self._family()
        if carriers := [one for one in names if one and carrier(one)]:
            return self._carried(carriers, own, software)
        host = plain(self.labels.get("instance", ""))
        if own:
            job = self.labels.get("job", "")
            if job in own and host and job.startswith(f"{host}-"):
                return self._service(host)
            named = job if job in own else own[0]
            one_of = named in {self.labels.get("pod"), self.labels.get("instance")}
            return self._service(spelled(named)[-1] if one_of else named)
        return None

    def _carried(
        self, carriers: Sequence[str], own: Sequence[str], software: str
    ) -> AlertSubject | None:
        """An exporter speaks: of the thing that its metrics are of, or that it is called after."""
        for one in (*map(carried, carriers), software):
            if service := known_as(one, self.known):
                return self._service(service)
        job = self.labels.get("job", "")
        if job and job in own:
            return self._service(job)
        called = next((carried(one) for one in carriers if carried(one)), "")
        named = called if software in called.split("-") else software or called
        if named:
            return self._service(named)
        instance = self.labels.get("instance", "")
        told = instance in own and not address(instance)
        return AlertSubject(kind=Kind.TARGET, name=instance) if told else None

    def _family(self) -> str:
        """Return whose metrics they are by their first word, as names of metrics should begin."""
        for metric in self.metrics:
            low = metric.lower()
            for prefix, name in SOFTWARE.items():
                if low.startswith(f"{prefix}_"):
                    return known_as(name, self.known) or name
            word = re.split(r"_", re.sub(r"(?:Metrics|AsyncMetrics|ProfileEvents|ErrorMetric)$", "",
                                         metric.partition("_")[0]).lower())[0]  # fmt: skip
            if word and word not in UNOWNED and word not in MACHINES and "_" in metric:
                return word
        return ""

    def _strange(self, value: str) -> bool:
        bare = plain(value)
        unit = _UNITS.fullmatch(value) is not None
        return carrier(value) or found_by(value) or address(bare) or unit or bare == "exporter"

    def _belonging(self, service: str) -> AlertSubject:
        for label in ("pod", "instance"):
            value = self.labels.get(label, "")
            if value and known_as(value, self.known) == service and _ordinal(plain(value)):
                return AlertSubject(kind=Kind.POD, name=value, owner=service)
        return AlertSubject(kind=Kind.SERVICE, name=service, owner=service)

    def _best(self, names: Sequence[str], kind: Kind) -> AlertSubject:
        for one in names or [""]:
            if service := known_as(one, self.known):
                return AlertSubject(kind=kind, name=plain(names[-1]), owner=service)
        return self._of(kind, names[0]) if names else AlertSubject()

    def _of(self, kind: Kind, value: str) -> AlertSubject:
        if kind in {Kind.NODE, Kind.CLUSTER, Kind.UNKNOWN, Kind.TARGET}:
            return AlertSubject(kind=kind, name=plain(value) if kind is Kind.NODE else value)
        name = value if value.count("/") > 1 else plain(value)
        short = spelled(value)
        # shard-1 and shard-2 may be two services: only a known name says that they are one.
        whole = kind is Kind.SERVICE and numbered(name)
        own = name if whole or short[-1] == short[0] else short[-1]
        owner = known_as(value, self.known) or (name if value.count("/") > 1 else own)
        return AlertSubject(kind=kind, name=name, owner=owner)

    def _service(self, value: str) -> AlertSubject:
        found = self._of(Kind.SERVICE, value)
        if found.name != found.owner and not _ordinal(found.name):
            return found
        return found.model_copy(update={"name": found.owner})

    def _nobody(self) -> AlertSubject:
        alerts = self.first == "ALERTS"  # a rule over rules: of all alerts of a namespace
        if alerts or (self.expression is not None and self.expression.constant):
            name = self.labels.get("namespace", "") if alerts else ""
            return AlertSubject(kind=Kind.CLUSTER, name=name)
        bare = self.expression is not None and self.expression.absent
        kind = Kind.CLUSTER if self.metrics and not bare else Kind.UNKNOWN
        return AlertSubject(kind=kind)


def _ordinal(name: str) -> bool:
    return len(spelled(name)) > 1
