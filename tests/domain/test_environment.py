"""Is an environment's name read and written in one way?"""

import pytest
from pydantic import TypeAdapter, ValidationError

from aiops_agent.domain.environment import EnvironmentRef

SHOP = EnvironmentRef(kind="shop", name="slow-1")


def test_text_and_json_are_kind_and_name_and_lead_back() -> None:
    assert str(SHOP) == "shop:slow-1"
    assert EnvironmentRef.parse("shop:slow-1") == SHOP
    written = TypeAdapter(EnvironmentRef).dump_json(SHOP)
    assert written == b'"shop:slow-1"'
    assert TypeAdapter(EnvironmentRef).validate_json(written) == SHOP


@pytest.mark.parametrize(
    "text", ["", "shop", ":x", "shop:", "Shop:x", "shop:../x", "shop:a:b", "shop:a/b", " shop:a"]
)
def test_what_is_no_environment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no environment"):
        EnvironmentRef.parse(text)
    with pytest.raises(ValidationError):
        TypeAdapter(EnvironmentRef).validate_python(text)


def test_equal_names_are_one_key() -> None:
    assert {SHOP, EnvironmentRef.parse("shop:slow-1")} == {SHOP}


def test_only_the_shop_is_simulated() -> None:
    assert SHOP.simulated
    assert not EnvironmentRef(kind="docker", name="shop").simulated
