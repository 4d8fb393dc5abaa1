"""Every environment that comes with the project has a page, and the index says what is true."""

import re
from pathlib import Path

import pytest

from selfplay.display import facts
from selfplay.environment import make, names, registry
from tests.test_readme import run_python

ROOT = Path(__file__).parents[1]
INDEX = (ROOT / "docs/environments.md").read_text(encoding="utf-8")
OURS = [name for name in names() if registry.target(name)[0].startswith("selfplay_envs.")]


@pytest.mark.parametrize("name", OURS)
def test_every_environment_has_a_page_and_a_true_line_in_the_index(name):
    page = (ROOT / f"docs/{name}.md").read_text(encoding="utf-8")
    for needed in ("## Rules", "## Encoding", f"selfplay train {name}", f"`{name}`"):
        assert needed in page
    env = make(name)
    size = sum(field.bytes for field in facts.state_fields(env))
    agent = "–" if registry.pretrained_path(name) is None else "yes"
    arguments = facts.as_typed(facts.arguments(env))
    assert (
        f"| [`{name}`]({name}.md) | `{arguments}` | {env.num_actions:,} | {size:,} "
        f"| {facts.truth(env) or '–'} | {agent} |"
    ) in INDEX


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_the_index_shows_how_problems_are_given_in_python(tmp_path):
    code = "\n".join(re.findall(r"```python\n(.*?)```", INDEX, re.DOTALL))
    (tmp_path / "example.py").write_text(code, encoding="utf-8")
    said = run_python(["example.py"], tmp_path)
    shown = re.findall(r"^print.*  # ([A-Z].*)$", code, re.MULTILINE)
    assert shown == ["True", "Verdict.ACCEPTED"]
    assert "\n".join(shown) in said
    assert said.rstrip().endswith("at the whole")
