import pytest
from studies.mini import MINI


@pytest.fixture
def mini(tmp_path):
    """A settings file with two random networks and a trained one."""
    path = tmp_path / "mini.toml"
    path.write_text(MINI)
    return path
