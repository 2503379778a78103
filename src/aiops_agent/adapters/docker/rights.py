"""What a container may do beyond its own walls, each right in words; a copy would have it too."""

from collections.abc import Iterator, Mapping, Sequence
from posixpath import normpath

from aiops_agent.adapters.docker.containers import Containers, Inspected
from aiops_agent.domain.value import Document, Json

_SOCKETS = ("docker.sock", "containerd.sock", "podman.sock", "crio.sock")
_ABOVE_SOCKETS = ("/", "/run", "/var", "/var/run")
_OWN_SPACE = ("", "private", "shareable", "none")  # a namespace of its own
_SPACES = {
    "NetworkMode": "network",
    "PidMode": "processes",
    "IpcMode": "shared memory",
    "UTSMode": "host name",
    "UsernsMode": "user ids",
}
# Lists of which each entry is a right, and those entries that take one away.
_LISTS = {
    "CapAdd": "capability {}",
    "Devices": "device {}",
    "DeviceRequests": "devices by request of driver {}",
    "DeviceCgroupRules": "device rule {}",
    "SecurityOpt": "security option {}",
}
_NO_RIGHT = ("no-new-privileges", "no-new-privileges:true", "no-new-privileges=true")
# Hidden from a container unless somebody asked to see it.
_HIDDEN = {"MaskedPaths": "/proc/kcore", "ReadonlyPaths": "/proc/sys"}
_USUAL_RUNTIMES = ("", "runc", "crun", "io.containerd.runc.v2")
_LONGEST = 80  # characters of a foreign text in our words
# Bounds, names and habits: they give no right. What is nowhere in this file is told as unknown.
_HARMLESS = frozenset(
    (
        "AutoRemove", "Binds", "BlkioDeviceReadBps", "BlkioDeviceReadIOps", "BlkioDeviceWriteBps",
        "BlkioDeviceWriteIOps", "BlkioWeight", "BlkioWeightDevice", "CapDrop", "CgroupnsMode",
        "ConsoleSize", "ContainerIDFile", "CpuCount", "CpuPercent", "CpuPeriod", "CpuQuota",
        "CpuRealtimePeriod", "CpuRealtimeRuntime", "CpuShares", "CpusetCpus", "CpusetMems", "Dns",
        "DnsOptions", "DnsSearch", "ExtraHosts", "IOMaximumBandwidth", "IOMaximumIOps", "Init",
        "Isolation", "KernelMemory", "KernelMemoryTCP", "Links", "LogConfig", "Memory",
        "MemoryReservation", "MemorySwap", "MemorySwappiness", "Mounts", "NanoCpus", "NanoCPUs",
        "OomKillDisable", "OomScoreAdj", "PidsLimit", "PortBindings", "PublishAllPorts",
        "ReadonlyRootfs", "RestartPolicy", "ShmSize", "StorageOpt", "Sysctls", "Tmpfs", "Ulimits",
        "VolumeDriver", "VolumesFrom", "Runtime", "Privileged", *_SPACES, *_LISTS, *_HIDDEN,
    )
)  # fmt: skip


async def rights_of(one: Inspected, containers: Containers) -> tuple[str, ...]:
    """Return the rights of a container, worst first; () for an ordinary one. Raises SourceError."""
    mounts = [mount for mount in one.raw.get("Mounts") or () if isinstance(mount, dict)]
    names = [str(mount.get("Name")) for mount in mounts if mount.get("Type") == "volume"]
    volumes = {name: await containers.volume(name) for name in dict.fromkeys(names)}
    host = one.raw.get("HostConfig") or {}
    found = dict.fromkeys([*_of_host(host), *_of_mounts(host, mounts, volumes)])
    return tuple(right for right in found if right)


def _of_host(host: Document) -> Iterator[str]:
    if host.get("Privileged"):
        yield "privileged: every device and kernel right of the host"
    yield from (_space(option, str(host.get(option) or "")) for option in _SPACES)
    for option, words in _LISTS.items():
        given = (one for one in host.get(option) or () if one not in _NO_RIGHT)
        yield from (words.format(_named(one)) for one in given)
    for option, path in _HIDDEN.items():
        if isinstance(host.get(option), list) and path not in host[option]:
            yield f"the kernel's paths that are hidden or protected otherwise ({option})"
    if (runtime := str(host.get("Runtime") or "")) not in _USUAL_RUNTIMES:
        yield f"runtime {runtime[:_LONGEST]}, of which we do not know what it allows"
    for option in sorted(set(host) - _HARMLESS):
        if host[option]:
            yield f"option {option[:_LONGEST]}, of which we do not know what it allows"


def _space(option: str, mode: str) -> str:
    """Return the right of sharing a namespace, "" for one of its own."""
    if mode == "host":
        return f"the host's {_SPACES[option]} ({option}=host)"
    shared = mode.startswith("container:") if option == "NetworkMode" else mode not in _OWN_SPACE
    return f"the {_SPACES[option]} of others ({option}={mode[:_LONGEST]})" if shared else ""


def _named(entry: Json) -> str:
    """Return an entry of a list in a word: itself, or the device that it is about."""
    if isinstance(entry, dict):
        entry = entry.get("PathOnHost") or entry.get("Driver") or "unknown"
    return str(entry)[:_LONGEST]


def _of_mounts(
    host: Document, mounts: Sequence[Document], volumes: Mapping[str, Json | None]
) -> Iterator[str]:
    for mount in mounts:
        kind, where = mount.get("Type"), str(mount.get("Destination"))
        if kind == "volume":
            yield from _of_volume(str(mount.get("Name")), volumes, where)
        elif kind != "tmpfs":
            yield _mounted(str(mount.get("Source")), where, writable=bool(mount.get("RW")))
    # Also what is asked for and, in a container that never ran, not mounted yet.
    for bind in host.get("Binds") or ():
        source, _, rest = str(bind).partition(":")
        where, _, options = rest.partition(":")
        if source.startswith("/"):
            yield _mounted(source, where, writable="ro" not in options.split(","))
    for mount in host.get("Mounts") or ():
        if mount.get("Type") not in ("volume", "tmpfs"):
            source, where = str(mount.get("Source")), str(mount.get("Target"))
            yield _mounted(source, where, writable=not mount.get("ReadOnly"))


def _of_volume(name: str, volumes: Mapping[str, Json | None], where: str) -> Iterator[str]:
    volume = volumes.get(name)
    if not isinstance(volume, dict):
        yield f"volume {name} on {where}, of which we cannot see what it is"
    elif device := (volume.get("Options") or {}).get("device"):
        yield f"{device} of the host or a server, as volume {name}, on {where}"
    elif volume.get("Driver", "local") != "local":
        yield f"volume {name} of driver {volume['Driver']} on {where}"


def _mounted(source: str, where: str, *, writable: bool) -> str:
    how = "writable" if writable else "to read"
    path = normpath(f"/{source.lstrip('/')}")
    socket = path in _ABOVE_SOCKETS or path.endswith(_SOCKETS) or where.endswith(_SOCKETS)
    engine = ", with the engine's socket, which is root on the host" if socket else ""
    return f"the host's {source[:_LONGEST]} on {where[:_LONGEST]}, {how}{engine}"
