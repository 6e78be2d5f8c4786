"""The documentation holds: it lists what the code has and nothing else, its links lead somewhere, its examples run."""

import doctest
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic_core import PydanticUndefined

from models import spec, tables
from models.expand import expand_network
from models.files import list_networks, load_network, read_description, to_toml
from models.kinetics import find_kinetics
from models.quantities import Quantity, write_inline
from models.spec.drives import _SynapticDrive
from pipeline.cli import main
from tests.markdown import PAGES, ROOT, read_anchors, read_blocks, read_links, read_prose, read_tables

DOCS = ROOT / "docs"
MODEL_FILE, TABLES, NETWORKS = DOCS / "model-file.md", DOCS / "tables.md", DOCS / "networks.md"
DECISIONS = sorted((DOCS / "decisions").glob("0*.md"))
REFERENCE: dict[str, list[type[spec.Table]]] = {
    "## `[network]`": [spec.NetworkTable],
    '## `[neuron.<name>]`, `model = "lif"`': [spec.LifNeuron],
    '## `[neuron.<name>]`, `model = "after_potential"`': [spec.AfterPotentialNeuron],
    "## `[neuron.<name>]` with `equations`": [spec.EquationsNeuron],
    "## `[layers]`": [spec.LayersTable],
    "### `[layers.population.<label>]`": [spec.PopulationTable],
    "### `[layers.population.<label>.layer.<n>]`": [spec.PopulationLayer],
    "## `[pathway.<name>]`": [spec.PathwayTable],
    "### `[pathway.<name>.layer.<n>]`": [spec.PathwayLayer],
    '### `kind = "poisson"`': [spec.PoissonDrive],
    "`[drive.<name>.layer.<n>]`, kind `poisson`:": [spec.PoissonLayer],
    '### `kind = "shared_poisson"`': [spec.SharedPoissonDrive],
    '### `kind = "spike_file"`': [spec.SpikeFileDrive],
    '### `kind = "current"`': [spec.CurrentDrive],
    "`[drive.<name>.layer.<n>]`, kind `current`:": [spec.CurrentLayer],
    '### `kind = "currents"`': [spec.CurrentsRecord],
    "The keys of the last three forms:": [spec.Every, spec.RandomSubset, spec.Slice],
    '### `kind = "spikes"`': [spec.SpikesRecord],
    '### `kind = "rates"`': [spec.RatesRecord],
    '### `kind = "states"`': [spec.StatesRecord],
    "## `[[event]]`": [spec.EventTable],
}
"""The spec's class or classes by the line that stands before the table of their keys."""
NOT_TABLES_OF_THEIR_OWN = {spec.NetworkSpec, spec.Connect, _SynapticDrive}
CHANNEL, VARIABLE = "<channel>", "<variable>"
COLUMNS = {
    "## Spikes": tables.SPIKE_COLUMNS,
    "## Currents": tables.current_columns([CHANNEL]),
    "## States": tables.state_columns({VARIABLE: "…"}),
    "## Rates": tables.RATE_COLUMNS,
    "## Connectivity": tables.EDGE_COLUMNS,
    "## Inputs": tables.INPUT_COLUMNS,
    "## Summary": tables.summary_columns([CHANNEL]),
}


def _subclasses(kind: type[Any]) -> Iterator[type[Any]]:
    for subclass in kind.__subclasses__():
        yield subclass
        yield from _subclasses(subclass)


def _show_default(field: Any) -> str:
    if field.is_required():
        return "required"
    default = field.get_default(call_default_factory=True)
    assert default is not PydanticUndefined
    if isinstance(default, spec.Connect):
        return f'"{default.rule}"'
    if isinstance(default, Quantity):
        return default.text
    plain = {None: "–"}.get(default) if not isinstance(default, dict) else "{}"
    return plain or (str(default) if default == "exponential_euler" else write_inline(default))


def test_every_class_of_the_spec_has_its_table() -> None:
    """No kind of table of the model file is undocumented."""
    documented = {kind for kinds in REFERENCE.values() for kind in kinds}
    assert documented | NOT_TABLES_OF_THEIR_OWN == set(_subclasses(spec.Table))


def test_model_file_lists_every_key_and_default() -> None:
    """The reference of the model file lists each key of each table, with its default, and no other."""
    listed = {before: {row["key"]: row["default"] for row in rows} for before, rows in read_tables(MODEL_FILE, "key")}
    expected = {
        before: {f"`{key}`": _show_default(field) for kind in kinds for key, field in kind.model_fields.items()}
        for before, kinds in REFERENCE.items()
    }
    assert listed == expected


def test_model_file_names_every_top_level_table() -> None:
    """Each top-level table of the model file is in a heading."""
    headings = " ".join(re.findall(r"^## .*$", read_prose(MODEL_FILE), re.M))
    assert [key for key in spec.NetworkSpec.model_fields if f"[{key}" not in headings] == []


def test_model_file_lists_every_kinetics() -> None:
    """Kinetics are listed with their kernels, time constants, and whether drives may have them."""
    ((_, rows),) = read_tables(MODEL_FILE, "kinetics")
    assert {
        row["kinetics"].strip("`"): (row["current of one spike"], row["needs"], row["for drives"]) for row in rows
    } == {
        name: (
            kind.summary,
            ", ".join(f"`{key}`" for key in kind.time_constants),
            "yes" if kind.for_drives else "no",
        )
        for name, kind in find_kinetics().items()
    }


def test_model_file_lists_every_connection_rule() -> None:
    """Connection rules are listed, and no others."""
    ((_, rows),) = read_tables(MODEL_FILE, "rule")
    listed = [re.findall(r"\w+", row["rule"])[0] for row in rows]
    assert sorted(listed) == sorted(get_args(spec.Connect.model_fields["rule"].annotation))


def test_model_file_example_of_equations_is_valid(tmp_path: Path) -> None:
    """The neuron with its own equations can be pasted into a model."""
    (block,) = read_blocks(MODEL_FILE, "toml")
    shipped = to_toml(load_network("independent_drive")).replace('"lif"', '"adaptive"')
    before, _, after = shipped.partition("[neuron.lif]")
    model = tmp_path / "adaptive.toml"
    model.write_text(f"{before}{block.text}[layers{after.partition('[layers')[2]}", encoding="utf-8")
    assert isinstance(load_network(model).neuron["adaptive"], spec.EquationsNeuron)


@pytest.mark.parametrize("heading", COLUMNS)
def test_tables_lists_every_column(heading: str) -> None:
    """Columns are documented with the names, types, units and meanings that the tables have, in their order."""
    listed = dict(read_tables(TABLES, "column"))[heading]
    plain = [tuple(cell.replace("`", "") for cell in row.values()) for row in listed]
    assert plain == [
        (name, column.dtype, column.unit or "–", column.meaning) for name, column in COLUMNS[heading].items()
    ]


def test_tables_documents_every_table() -> None:
    """No table is documented that does not exist."""
    assert [before for before, _ in read_tables(TABLES, "column")] == list(COLUMNS)


def _describe(name: str) -> str:
    model = load_network(name)
    network = expand_network(model)
    populations = ", ".join(f"{p.name} ({p.size})" for p in network.populations)
    channels = "; ".join(f"`{c.name}` ({c.polarity}, {c.kinetics})" for c in network.channels)
    times = f"dt {model.network.dt.text}, {model.network.duration.text}"
    return f"{times}. Populations: {populations}. Channels: {channels}."


@pytest.mark.parametrize("name", list_networks())
def test_networks_has_a_section_for_each(name: str) -> None:
    """Each shipped network has a section that says what its file says."""
    sections = re.split(r"^## ", read_prose(NETWORKS), flags=re.M)
    (section,) = [" ".join(text.split()) for text in sections if text.startswith(f"{name}\n")]
    assert section.startswith(f"{name} *{read_description(list_networks()[name])}* {_describe(name)} ")


def test_networks_lists_only_what_is_shipped() -> None:
    """The list of networks is that of `currents list`."""
    ((_, rows),) = read_tables(NETWORKS, "name")
    listed = {re.findall(r"\w+", row["name"])[0]: row["description"] for row in rows}
    assert listed == {name: read_description(path) for name, path in list_networks().items()}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """Every link to a file, and to a heading of one, resolves."""
    broken = []
    for link in read_links(page):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and anchor not in read_anchors(target)):
            broken.append(link)
    assert broken == []


def test_index_leads_to_every_page() -> None:
    """Every page is in an index."""
    links = {(DOCS / link).resolve() for link in read_links(DOCS / "README.md")}
    links |= {(DOCS / "decisions" / link).resolve() for link in read_links(DOCS / "decisions" / "README.md")}
    assert sorted(set(DOCS.glob("**/*.md")) - links) == [DOCS / "README.md"]


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
def test_decisions_have_their_four_parts(page: Path) -> None:
    """Each decision states goal, choice, rejected alternatives, and what would change our mind."""
    headings = re.findall(r"^## (.*)$", read_prose(page), re.M)
    assert headings == ["Goal", "Choice", "Rejected", "What would change our mind"]


@pytest.mark.parametrize("page", ["mistakes.md", "numbers.md"])
def test_python_sessions_give_what_they_show(page: str) -> None:
    """Interactive examples give the output that stands below them."""
    failed, attempted = doctest.testfile(str(DOCS / page), module_relative=False)
    assert attempted >= 5
    assert failed == 0


@pytest.fixture
def model_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder that holds the model files that pages mention."""
    lines = to_toml(load_network("exponential_current", {"pathway.slow.weight": "1 mV"})).splitlines()
    kept = "\n".join(line for line in lines if not line.startswith("weight"))
    (tmp_path / "no_weight.toml").write_text(kept, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _exit_code(arguments: list[str]) -> object:
    """Return what a command's process would exit with."""
    try:
        return main(arguments)
    except SystemExit as end:
        return end.code or 0


@pytest.mark.usefixtures("model_folder")
@pytest.mark.parametrize("page", ["mistakes.md", "model-file.md"])
def test_commands_give_what_they_show(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Commands that need no compiler succeed, or give the error that stands below them."""
    blocks = [block for block in read_blocks(DOCS / page, "console", "sh") if not block.is_long]
    commands = [command for block in blocks for command in block.commands()]
    assert len(commands) >= 4
    for (tool, *arguments), shown in commands:
        assert tool == "currents"
        assert (_exit_code(arguments), capsys.readouterr().err) == ((0, "") if shown is None else (2, shown))
