"""Who may import whom: the house's walls, read from the source with ``ast``."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "polyrelu"

# A room may import itself, errors, atomic, _version and the rooms listed here.
ROOMS = {
    "errors": set(),
    "atomic": set(),
    "geometry": set(),
    "network": set(),
    "regions": {"geometry", "network"},
    "shapes": {"geometry", "network", "regions"},
    "training": {"network"},
    "report": {"geometry", "network", "regions", "shapes"},
    "explorer": {"geometry", "network", "regions", "shapes", "training", "report"},
    "studies": {"geometry", "network", "regions", "shapes", "training", "report"},
    "cli": {
        "geometry",
        "network",
        "regions",
        "shapes",
        "training",
        "report",
        "explorer",
        "studies",
    },
}

# What a notebook shows of a value is drawn to the right of it: `plot` and `_repr_html_` of these
# modules import it when they are called.
SHOWN_BY = "polyrelu.report.notebook"
SHOWN = {
    "network/network.py",
    "regions/complex.py",
    "regions/region.py",
    "shapes/census.py",
    "shapes/histogram.py",
}

# Modules at the top that open the package and may import any room.
ENTRANCES = {"__init__", "__main__", "_version"}

# Each foreign library has one door (a file, or a folder ending in "/").
DOORS = {
    "cdd": {"geometry/_cdd.py"},
    "distributed": {"regions/_dask.py"},
    "flint": {"geometry/rational.py"},
    "scipy": {
        "geometry/_lp.py",
        "geometry/measures.py",
        "network/_sparse.py",
        "shapes/compare.py",
        "studies/",
    },
    "sklearn": {"training/datasets.py"},
    "jinja2": {"report/page.py", "explorer/page.py"},
    "plotly": {"explorer/"},
    "trimesh": {"report/meshes.py"},
    "pandas": {"report/", "studies/"},
    "llvmlite": {"regions/_kernel/"},
    "torch": {"network/formats/torch.py", "training/", "studies/"},
    "onnx": {"network/formats/onnx.py"},
    "matplotlib": {"report/"},
    "numba": {"regions/_kernel/"},
    "networkx": {"shapes/dual_graph.py"},
    "pyarrow": {"regions/store.py"},
    "click": {"cli/"},
    "tqdm": {"cli/"},
}

MODULES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))


def imports(module: str) -> set[str]:
    """Dotted names that a module imports, anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse((PACKAGE / module).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative import"
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_what_its_room_may(module):
    room = module.split("/")[0].removesuffix(".py")
    names = imports(module)
    if module in SHOWN:
        names -= {name for name in names if name.startswith(SHOWN_BY)}
    used = {name.split(".")[1] for name in names if name.startswith("polyrelu.")}
    assert room in ROOMS.keys() | ENTRANCES, f"no rule for polyrelu/{room}"
    if room in ROOMS:
        assert used <= ROOMS[room] | {room, "errors", "atomic", "_version", "__version__"}


@pytest.mark.parametrize("module", MODULES)
def test_a_foreign_library_comes_through_its_one_door(module):
    for library in {name.split(".")[0] for name in imports(module)} & DOORS.keys():
        assert any(module.startswith(door) for door in DOORS[library]), (
            f"{module} imports {library}"
        )


@pytest.mark.parametrize("module", [m for m in MODULES if m != "__main__.py"])
def test_a_module_is_a_room_not_a_hall(module):
    lines = len((PACKAGE / module).read_text(encoding="utf-8").splitlines())
    assert lines <= 400
    assert Path(module).name not in {"utils.py", "helpers.py"}
