"""The order of imports that `docs/architecture.md` lists, read from the sources by `ast`."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

Sources = dict[str, str]
"""Dotted module name to source; a package is named after its folder."""


def read_sources(folder: Path, prefix: str) -> Sources:
    sources = {}
    for path in sorted(folder.rglob("*.py")):
        parts = [prefix, *path.relative_to(folder).with_suffix("").parts]
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        sources[".".join(parts)] = path.read_text(encoding="utf-8")
    return sources


def read_order(document: str) -> list[str]:
    """The modules under `selfplay/` in the order of the document's listing, packages last."""
    listing = document.split("```")[1].split("\nselfplay/\n")[1].split("\nenvs/")[0]
    order = []
    for line in listing.splitlines():
        name, _, description = line.strip().partition(" ")
        if name.endswith("/"):
            folder = name.removesuffix("/").replace("/", ".")
            files = re.findall(r"(\w+)\.py", description)
            order += [f"selfplay.{folder}.{file}" for file in files] + [f"selfplay.{folder}"]
        else:
            order.append(f"selfplay.{name.removesuffix('.py')}")
    return order


def imported(name: str, sources: Sources) -> set[str]:
    """Absolute names of all modules that a module imports, at any depth of its code."""
    is_package = any(other.startswith(f"{name}.") for other in sources)
    found = set()
    for node in ast.walk(ast.parse(sources[name])):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                here = name.split(".")
                up = node.level - 1 if is_package else node.level
                base = ".".join([*here[: len(here) - up], *([base] if base else [])])
            for alias in node.names:
                whole = f"{base}.{alias.name}"
                found.add(whole if whole in sources else base)
    return found


def order_violations(sources: Sources, order: list[str]) -> list[str]:
    """What in `selfplay` imports from below itself, or is missing from the listing."""
    rank = {"selfplay": -1} | {name: index for index, name in enumerate(order)}
    packages = {name for name in sources if any(o.startswith(f"{name}.") for o in sources)}
    listed = {name for name in sources if name in rank}
    wrong = [f"{name} is not listed" for name in sorted(set(sources) - listed)]
    missing = set(order) - set(sources)
    wrong += [
        f"{name} is listed but missing"
        for name in sorted(missing)
        if not any(other.startswith(f"{name}.") for other in sources)  # a bare folder
    ]
    for name in sorted(listed):
        for target in sorted(imported(name, sources)):
            if target.split(".")[0] == "selfplay_envs":
                wrong.append(f"{name} imports {target}")
            elif target.startswith(f"{name}.") and name != "selfplay":
                continue  # what a package offers may be anywhere in it
            elif target in rank and rank[target] >= rank[name]:
                wrong.append(f"{name} imports {target}, which comes later")
            elif target in packages and name == "selfplay":
                wrong.append(f"{name} imports {target}")
    return wrong


def envs_violations(sources: Sources) -> list[str]:
    """What in `selfplay_envs` imports anything of `selfplay` but `selfplay.environment`."""
    wrong = []
    for name in sorted(sources):
        for target in sorted(imported(name, sources)):
            allowed = target == "selfplay.environment" or target.startswith("selfplay.environment.")
            if target.split(".")[0] == "selfplay" and not allowed:
                wrong.append(f"{name} imports {target}")
    return wrong


def dangerous(name: str, source: str) -> list[str]:
    """Uses of `eval`, `exec` or any kind of pickle."""
    wrong = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            called = node.func
            if isinstance(called, ast.Name) and called.id in ("eval", "exec"):
                wrong.append(f"{name}:{node.lineno} calls {called.id}")
            if any(keyword.arg == "allow_pickle" for keyword in node.keywords):
                wrong.append(f"{name}:{node.lineno} passes allow_pickle")
        elif isinstance(node, ast.Import | ast.ImportFrom):
            modules = [alias.name for alias in node.names]
            if isinstance(node, ast.ImportFrom):
                modules.append(node.module or "")
            for module in modules:
                if module.split(".")[0] in ("pickle", "cloudpickle", "dill", "joblib", "shelve"):
                    wrong.append(f"{name}:{node.lineno} imports {module}")
    return wrong


def imports_when_loaded(source: str) -> set[str]:
    """Top-level packages that merely importing the module imports, types aside."""
    found = set()

    def visit(body: list[ast.stmt]) -> None:
        for node in body:
            if isinstance(node, ast.Import):
                found.update(alias.name.split(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                found.add((node.module or "").split(".")[0])
            elif isinstance(node, ast.If):
                if not (isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"):
                    visit(node.body)
                visit(node.orelse)
            elif isinstance(node, ast.Try | ast.With | ast.ClassDef):
                visit(node.body)

    visit(ast.parse(source).body)
    return found


# The code --------------------------------------------------------------------------------------


def test_imports_follow_the_listed_order():
    order = read_order((ROOT / "docs/architecture.md").read_text(encoding="utf-8"))
    assert len(order) > 20
    assert order_violations(read_sources(ROOT / "selfplay", "selfplay"), order) == []


def test_environments_import_only_the_contract():
    sources = read_sources(ROOT / "envs/selfplay_envs", "selfplay_envs")
    assert "selfplay_envs.games.tic_tac_toe" in sources
    assert envs_violations(sources) == []


def test_nothing_evaluates_text_or_unpickles():
    paths = [
        p for f in ("selfplay", "envs", "benchmarks", "tests") for p in (ROOT / f).rglob("*.py")
    ]
    assert len(paths) > 40
    wrong = [w for p in paths for w in dangerous(p.name, p.read_text(encoding="utf-8"))]
    assert wrong == []


HEAVY = {"jax", "jaxlib", "flax", "optax", "mctx", "chex", "orbax"}


@pytest.mark.parametrize("file", ["config.py", "environment/registry.py", "run/directory.py"])
def test_settings_import_no_jax(file):
    source = (ROOT / "selfplay" / file).read_text(encoding="utf-8")
    assert not imports_when_loaded(source) & HEAVY


def test_settings_and_presets_load_no_jax():
    code = (
        "import sys, selfplay.config; from selfplay.environment import names, preset\n"
        "assert names(); preset('tic_tac_toe')\n"
        "print(','.join(sorted({'jax', 'flax', 'optax', 'mctx'} & set(sys.modules))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


# The checker, on a small tree with planted violations -----------------------------------------

DOCUMENT = """# Architecture
```
selfplay/
  config.py     settings
  low/          WHAT: one.py (first), two.py (second)
  high/         THEN: three.py
  main.py       the verb
envs/selfplay_envs/
  games/        other.py
```
"""

GOOD = {
    "selfplay": "__version__ = '1'",
    "selfplay.config": "import os\nfrom selfplay import __version__",
    "selfplay.low": "from selfplay.low.two import b",
    "selfplay.low.one": "from selfplay import config as config_lib",
    "selfplay.low.two": "from selfplay.low import one\nfrom . import one as again",
    "selfplay.high": "",
    "selfplay.high.three": "import selfplay.low.two\nfrom selfplay.low import b",
    "selfplay.main": "def f():\n    from selfplay.high.three import g",
}


def test_checker_reads_the_listing_and_passes_a_good_tree():
    order = read_order(DOCUMENT)
    names = ["config", "low.one", "low.two", "low", "high.three", "high", "main"]
    assert order == [f"selfplay.{name}" for name in names]
    assert order_violations(GOOD, order) == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("selfplay.low.one", "from selfplay.low.two import b"),
        ("selfplay.low.one", "from selfplay.low import two"),
        ("selfplay.low.one", "from . import two"),
        ("selfplay.low.one", "from .two import b"),
        ("selfplay.low.one", "from selfplay.low import b"),
        ("selfplay.low.two", "import selfplay.high.three"),
        ("selfplay.low.two", "def f():\n    from selfplay.high import three"),
        ("selfplay.low.two", "if TYPE_CHECKING:\n    from selfplay.main import x"),
        ("selfplay.low", "from ..high import three"),
        ("selfplay.config", "from selfplay.low.one import a"),
        ("selfplay", "from selfplay.config import Config"),
        ("selfplay.high.three", "from selfplay_envs.games import other"),
        ("selfplay.main", "def f():\n    import selfplay_envs"),
        ("selfplay.low.four", ""),
    ],
)
def test_checker_sees_planted_violations(module, source):
    assert len(order_violations(GOOD | {module: source}, read_order(DOCUMENT))) == 1


def test_checker_sees_what_is_listed_but_missing():
    tree = {name: source for name, source in GOOD.items() if name != "selfplay.high.three"}
    tree["selfplay.main"] = ""
    assert "selfplay.high.three is listed but missing" in order_violations(
        tree, read_order(DOCUMENT)
    )


@pytest.mark.parametrize(
    "source",
    ["import selfplay", "from selfplay import search", "from selfplay.search.model import root"],
)
def test_checker_sees_environments_reaching_too_far(source):
    good = "from selfplay.environment import Game\nfrom selfplay_envs.games import bit_rows"
    assert envs_violations({"selfplay_envs.games.other": good}) == []
    assert len(envs_violations({"selfplay_envs.games.other": source})) == 1


@pytest.mark.parametrize(
    "source",
    [
        "eval('1')",
        "def f():\n    exec(code)",
        "import pickle",
        "from pickle import loads",
        "import cloudpickle as p",
        "numpy.load(file, allow_pickle=True)",
    ],
)
def test_checker_sees_dangerous_code(source):
    assert dangerous("good", "evaluate('1')\nimport json") == []
    assert len(dangerous("bad", source)) == 1


def test_checker_sees_what_loading_imports():
    source = "if TYPE_CHECKING:\n    import jax\ndef f():\n    import optax\nimport os"
    assert imports_when_loaded(source) == {"os"}
    assert "jax" in imports_when_loaded("try:\n    from jax import numpy\nexcept ImportError: pass")
