"""Several environments in one file, and what one sentence says of those that cannot be meant."""

from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from typing import Any

import pytest

from aiops_agent.actions.restart import RESTART
from aiops_agent.actions.scale import SCALE, ScaleBounds
from aiops_agent.adapters.webhook import CHANNEL, WebhookSettings
from aiops_agent.domain.approval import Opinion, Ruling
from aiops_agent.domain.errors import SettingsError
from aiops_agent.domain.policy import Mode
from aiops_agent.ports.plug import Channel
from aiops_agent.registry import REGISTRY, Plugin, Registry
from aiops_agent.safety.assess import Case
from aiops_agent.settings import plugins
from aiops_agent.settings.load import Loaded, load

TWO = """
mode: propose
policy: {freeze: [{reason: all}]}
environments:
  eu:
    labels: {cluster: prod-eu}
    sources: {docker: {project: a}}
    mode: act
    actions: {scale_pods: {max_replicas: 3}}
  us:
    kind: docker
    labels: {cluster: prod-us}
    sources: {prometheus: {url: http://p}}
    policy: {}
"""


def read(folder: Path, text: str, registry: Registry = REGISTRY) -> Loaded:
    (folder / "aiops.yaml").write_text(text)
    return load(None, environ={"XDG_CONFIG_HOME": "/x"}, folder=folder, registry=registry)


def flaw(folder: Path, text: str, registry: Registry = REGISTRY) -> str:
    with pytest.raises(SettingsError) as caught:
        read(folder, text, registry)
    return str(caught.value).replace(f"{folder}/", "")


def test_an_environment_is_of_the_platform_that_it_has_a_section_of(tmp_path: Path) -> None:
    text = "environments: {a: {sources: {kubernetes: {}}}, b: {sources: {docker: {}}}, c: {}}"
    found = [str(one.ref) for one in read(tmp_path, text).settings.resolved]

    assert found == ["kubernetes:a", "docker:b", "docker:c"]


def test_each_environment_has_its_own_or_what_the_top_says(tmp_path: Path) -> None:
    eu, us = read(tmp_path, TWO).settings.resolved

    assert [str(eu.ref), str(us.ref)] == ["docker:eu", "docker:us"]
    assert (eu.mode, us.mode) == (Mode.ACT, Mode.PROPOSE)
    assert (len(eu.policy.freeze), len(us.policy.freeze)) == (1, 0)
    assert eu.actions.bounds()[SCALE.kind] == ScaleBounds(max_replicas=3)
    assert us.actions.bounds()[SCALE.kind] == ScaleBounds()
    assert us.sources.section("docker") is None


def test_the_flat_form_is_one_environment(tmp_path: Path) -> None:
    (one,) = read(tmp_path, "mode: act\nsources: {docker: {project: shop}}").settings.resolved

    assert (str(one.ref), one.mode, one.section) == ("docker:shop", Mode.ACT, "")


FLAWS = {
    "beside": (
        "sources: {docker: {}}\nenvironments: {a: {}}",
        (
            "aiops.yaml:1:1: sources: move `sources` into environments.NAME; it has no effect "
            "beside them."
        ),
    ),
    "same label": (
        "environments:\n  a: {labels: {c: x}}\n  b:\n    labels: {c: x, d: y}",
        (
            "aiops.yaml:4:5: environments.b.labels: a claims alerts with c=x too; give each "
            "environment its own label."
        ),
    ),
    "kind": (
        "environments: {a: {kind: dokcer}}",
        (
            "aiops.yaml:1:20: environments.a.kind: there is no platform 'dokcer'. "
            "Did you mean docker?"
        ),
    ),
    "vendor": (
        "environments:\n  a:\n    sources:\n      prometeus: {}",
        (
            "aiops.yaml:4:7: unknown key `prometeus` in `environments.a.sources`. "
            "Did you mean prometheus?"
        ),
    ),
    "bound": (
        "environments: {a: {actions: {scale_pods: {max_replicas: 0}}}}",
        (
            "aiops.yaml:1:43: environments.a.actions.scale_pods.max_replicas: "
            "input should be greater than or equal to 1."
        ),
    ),
}


@pytest.mark.parametrize("name", FLAWS)
def test_a_flaw_in_an_environment_is_told_with_line_and_column(tmp_path: Path, name: str) -> None:
    text, told = FLAWS[name]

    assert flaw(tmp_path, text) == told


def test_a_section_whose_library_is_not_installed_says_how_to_install_it(tmp_path: Path) -> None:
    needy: Channel[WebhookSettings] = replace(
        CHANNEL, name="pager", needs=(("no_such_library", "pager"),)
    )
    registry = replace(REGISTRY, notifiers=(needy,))

    assert flaw(tmp_path, "notify: {pager: {url: 'http://h'}}", registry) == (
        "aiops.yaml:1:10: notify.pager: needs no_such_library, which is not installed; "
        "pip install 'aiops-agent[pager]'."
    )


BROUGHT: dict[str, object] = {}


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, object]]:
    """Packages that are installed: name -> what their entry point is."""
    BROUGHT.clear()

    def found(group: str) -> EntryPoints:
        points = (EntryPoint(name, f"{__name__}:BROUGHT", group) for name in BROUGHT)
        return EntryPoints(points)

    monkeypatch.setattr(plugins, "entry_points", found)
    monkeypatch.setattr(EntryPoint, "load", lambda self: BROUGHT[self.name])
    yield BROUGHT
    BROUGHT.clear()


def allows(_case: Case) -> Opinion:
    return Opinion(rule="friend", ruling=Ruling.ALLOW, reason="go on")


def denies(_case: Case) -> Opinion:
    return Opinion(rule="foe", ruling=Ruling.DENY, reason="stop")


def fails(_case: Case) -> Opinion:
    raise ZeroDivisionError("no")


def opinions(registry: Registry) -> list[Ruling | None]:
    case: Any = None  # these rules look at nothing
    found = [rule(case) for rule in registry.rules[len(REGISTRY.rules) :]]
    return [opinion.ruling if opinion else None for opinion in found]


def test_a_foreign_package_is_off_unless_it_is_named(
    tmp_path: Path, installed: dict[str, object]
) -> None:
    installed["theirs"] = Plugin(rules=(denies,))

    assert opinions(read(tmp_path, "").settings.registry) == []
    assert opinions(read(tmp_path, "plugins: [theirs]").settings.registry) == [Ruling.DENY]


def test_a_foreign_rule_can_only_make_it_stricter(
    tmp_path: Path, installed: dict[str, object]
) -> None:
    installed["theirs"] = Plugin(rules=(allows, denies, fails))

    found = opinions(read(tmp_path, "plugins: [theirs]").settings.registry)

    assert found == [None, Ruling.DENY, Ruling.ASK]


def test_a_rule_that_is_not_wrapped_would_allow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins, "stricter", lambda rule: rule)

    found = plugins._joined(REGISTRY, Plugin(rules=(allows,)))

    assert opinions(found) == [Ruling.ALLOW]


@pytest.mark.parametrize(
    "brought",
    [Plugin(actions=(RESTART,)), Plugin(platforms={"theirs": REGISTRY.platforms["docker"]})],
)
def test_foreign_actions_and_platforms_are_refused(
    tmp_path: Path, installed: dict[str, object], brought: Plugin
) -> None:
    installed["theirs"] = brought

    assert flaw(tmp_path, "plugins: [theirs]") == (
        "aiops.yaml:1:1: the plugin 'theirs' brings actions or platforms, which only our own "
        "package may; take it out of `plugins`."
    )


def test_a_plugin_that_is_not_installed_or_none_of_ours_says_so(
    tmp_path: Path, installed: dict[str, object]
) -> None:
    installed["theirs"] = 7

    assert "no installed package brings a plugin 'thiers'. Did you mean theirs?" in flaw(
        tmp_path, "plugins: [thiers]"
    )
    assert "'theirs' is a int and no aiops_agent.registry.Plugin" in flaw(
        tmp_path, "plugins: [theirs]"
    )


def test_a_plugin_cannot_take_the_name_of_another(
    tmp_path: Path, installed: dict[str, object]
) -> None:
    installed["theirs"] = Plugin(notifiers=(CHANNEL,))

    assert "'webhook' is registered already" in flaw(tmp_path, "plugins: [theirs]")


LIMITS = """
policy: {limits: {per_service: 1/h}}
environments:
  eu: {labels: {cluster: eu}, policy: {limits: {per_environment: 2/d}}}
  us: {labels: {cluster: us}, policy: {freeze: [{reason: all}]}}
"""


def test_an_environment_with_a_policy_of_its_own_keeps_the_limits_of_the_top(
    tmp_path: Path,
) -> None:
    eu, us = read(tmp_path, LIMITS).settings.resolved

    assert [str(one) for _, one in eu.policy.limits] == ["1/h", "2/d"]
    assert [str(one) for _, one in us.policy.limits] == ["1/h", "10/h"]
    assert len(us.policy.freeze) == 1


@pytest.mark.parametrize("value", ["3", "3/hour", "-3/h", "", "none", "3/0s"])
def test_a_limit_that_is_none_is_told_with_its_place(tmp_path: Path, value: str) -> None:
    told = flaw(tmp_path, f"policy: {{limits: {{per_service: {value}}}}}")
    assert told.startswith("aiops.yaml:1:19: policy.limits.per_service: a limit ")
