"""What `settling verify` finds in an artifact that someone has altered, and that it finds nothing in a good one."""

import hashlib
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from settling.artifact.differences import difference
from settling.artifact.verify import verify
from settling.config import Study
from settling.files import as_json
from settling.layout import MANIFEST
from settling.study import runs
from tests.conftest import ROOT
from tests.tables import forged
from tests.unit.artifact.conftest import built, study_of

Content = dict[str, bytes]


def altered(artifact: Path, output: Path, change: Callable[[Content], None], forge: bool = True) -> Path:
    """Write an altered artifact, its manifest brought to agree with it where `forge`."""
    with zipfile.ZipFile(artifact) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    change(content)
    if forge:
        manifest = json.loads(content[MANIFEST])
        manifest["files"] = {
            name: hashlib.sha256(data).hexdigest() for name, data in content.items() if name != MANIFEST
        }
        content[MANIFEST] = as_json(manifest).encode()
    with zipfile.ZipFile(output, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return output


def in_table(name: str, change: Callable[[pa.Table], pa.Table]) -> Callable[[Content], None]:
    """Return what changes a table of an artifact."""

    def apply(content: Content) -> None:
        table = change(pq.read_table(pa.BufferReader(content[name])))
        content[name] = forged(table)

    return apply


def in_json(name: str, change: Callable[[Any], object]) -> Callable[[Content], None]:
    """Return what changes a JSON file of an artifact."""

    def apply(content: Content) -> None:
        value = json.loads(content[name])
        change(value)
        content[name] = as_json(value).encode()

    return apply


def with_value(column: str, row: int, value: object) -> Callable[[pa.Table], pa.Table]:
    """Return what sets one value of a table."""

    def apply(table: pa.Table) -> pa.Table:
        values = table[column].to_pylist()
        assert values[row] != value
        values[row] = value
        kind = table.schema.field(column)
        plain = kind.type.value_type if pa.types.is_dictionary(kind.type) else kind.type
        array = pa.array(values, plain).cast(kind.type)
        return table.set_column(table.column_names.index(column), kind, array).replace_schema_metadata(
            table.schema.metadata
        )

    return apply


def wrong_lines(artifact: Path) -> list[str]:
    """Return what verify says is wrong; fail where its verdict is another."""
    said, good = verify(artifact, ROOT / "config" / "claims.yaml")
    wrong = [line for line in said.splitlines() if line.startswith("differs")]
    assert good == (not wrong)
    return [line.split(maxsplit=1)[1] for line in wrong]


def test_a_good_artifact_agrees_in_everything_and_says_what_could_not_be_checked(artifact: Path) -> None:
    said, good = verify(artifact)
    assert good
    lines = said.splitlines()
    checked = [line.split()[1] for line in lines if line.startswith("agrees")]
    of_stages = ["runs", "events", "detectors", "tables", "quotes", "figures", "claims", "findings"]
    assert checked == ["hashes", "files", "manifest", *of_stages, "descriptions"]
    assert "agrees       events (4)" in lines
    assert "agrees       detectors (2)" in lines
    assert [line for line in lines if line.startswith("not checked")] == [
        "not checked  words of quotes: the text of toy is not passed on",
        "not checked  the claims' tests: no file of claims is at hand; see --claims",
        "not checked  origins: cards of data sets, machines, times, versions, commits, lock and Snakefile",
    ]
    assert lines[-1] == "all agrees"


def test_without_dynamics_events_are_taken_as_they_are(
    corpus: Path, tiny_checkpoint: Path, results: Path, tmp_path: Path
) -> None:
    lean = built(study_of(corpus, tiny_checkpoint, publish={"dynamics": False}), results, tmp_path / "lean.zip")
    said, good = verify(lean)
    assert good
    assert "not checked  events and detectors: the artifact holds no dynamics, only their hashes" in said


EVENTS = "events/toy/noise-resample-30/noise-seed1/tiny/seed1.parquet"
RUN, OTHER = ("runs/toy/clean/noise-seed0/tiny/seed0", "runs/toy/clean/noise-seed0/tiny/seed1")
SVG = "figures/fig1_noise_f1.svg"


def copied(content: Content) -> None:
    """Give one seed what another wrote."""
    for name in ("dynamics.parquet", "scores.parquet"):
        content[f"{OTHER}/{name}"] = content[f"{RUN}/{name}"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (
            in_table("tables/summary.parquet", with_value("mean", 3, 0.123)),
            "tables: tables/summary.parquet: row 4, mean: found 0.123; made anew it is ",
        ),
        (
            in_table("tables/treatments.parquet", with_value("kind", 0, "flip")),
            "tables: tables/treatments.parquet: row 1, kind: found flip; made anew it is clean",
        ),
        (in_table(EVENTS, lambda table: table.slice(1)), f"events: {EVENTS}: "),
        (
            in_table(EVENTS, with_value("forgetting", 5, 77)),
            f"events: {EVENTS}: row 6, forgetting: found 77",
        ),
        (
            in_table(f"{RUN}/scores.parquet", with_value("value", 0, 0.5)),
            f"runs: {RUN}/scores.parquet: not what {RUN}/run.json says that the run wrote",
        ),
        (
            in_table("treated/toy/clean/noise-seed0.parquet", with_value("noisy", 0, True)),
            f"runs: treated/toy/clean/noise-seed0.parquet: not the training split that {RUN}/run.json is of",
        ),
        (
            in_json(f"{RUN}/run.json", lambda card: card["made"]["spec"].update(learning_rate=1.0)),
            f"runs: {RUN}/run.json: trained with another recipe than the configuration's",
        ),
        (
            in_json(f"{RUN}/run.json", lambda card: card.update(identity="0" * 64)),
            f"runs: {RUN}/run.json: identity: not that of its recipe, seed, inputs and code",
        ),
        (
            in_json(f"{RUN}/run.json", lambda card: card["outputs"].update({"/etc/passwd": "0" * 64})),
            f"runs: {RUN}/run.json: outputs: found /etc/passwd, dynamics.parquet, scores.parquet; expected ",
        ),
        (
            in_json(f"{RUN}/run.json", lambda card: card["made"].update(commit="another")),
            f"runs: {RUN}/dynamics.parquet: made by another run than {RUN}/run.json says",
        ),
        (copied, f"runs: {OTHER}/scores.parquet: the values of {RUN}/scores.parquet"),
        (
            in_json("claims.json", lambda claims: claims[0].update(margin=-9)),
            "claims: claims.json: 1-noise-hardly-hurts: not as in ",
        ),
        (
            lambda content: content.update({SVG: content[SVG].replace(b"</svg>", b"<script>alert(1)</script></svg>")}),
            f"figures: {SVG}: not what the tables give",
        ),
        (
            lambda content: content.update({"figures/more.svg": b"<svg/>"}),
            "files: figures/more.svg: not a file of this study",
        ),
        (
            lambda content: content.update({"README.md": b"All is well."}),
            "descriptions: README.md: not what the study gives",
        ),
        (
            in_json("ro-crate-metadata.json", lambda crate: crate["@graph"].clear()),
            "descriptions: ro-crate-metadata.json: does not name ",
        ),
        (
            in_table("tables/quotes.parquet", with_value("before", 0, "a sentence")),
            "quotes: tables/quotes.parquet: row 1: text of toy, which is not passed on",
        ),
        (
            in_table("tables/quotes.parquet", lambda table: pa.concat_tables([table, table.slice(0, 1)])),
            "quotes: tables/quotes.parquet: not one row for each word",
        ),
        (
            in_table("claims/claims.parquet", with_value("verdict", 0, "reproduced")),
            "claims: claims/claims.parquet: row 1, verdict: found reproduced; made anew it is ",
        ),
        (
            lambda content: content.update({"claims/claims.txt": b"Claims: all reproduced."}),
            "claims: claims/claims.txt: not what the tables give",
        ),
        (lambda content: content.update({"findings.txt": b"All is well.\n"}), "findings: findings.txt: not what"),
        (
            in_json("figures/fig1_noise_f1.json", lambda spec: spec.update(background="red")),
            "figures: figures/fig1_noise_f1.json: not what the tables give",
        ),
        (lambda content: content.__delitem__(EVENTS), f"files: {EVENTS}: missing"),
    ],
    ids=[
        *("a value of a table", "a name in a table", "an event row dropped", "an event count", "scores", "treated"),
        *("recipe", "identity", "another output", "made by another", "a run copied", "a softened claim", "a script"),
        *("another file", "README", "crate", "withheld text", "a quote twice"),
        *("verdict", "the card's text", "findings", "figure", "missing"),
    ],
)
def test_what_was_altered_is_named_though_the_manifest_was_brought_to_agree(
    change: Callable[[Content], None], named: str, artifact: Path, tmp_path: Path
) -> None:
    found = wrong_lines(altered(artifact, tmp_path / "altered.zip", change))
    assert any(line.startswith(named) for line in found), found
    assert not any(line.startswith("hashes") for line in found)


def test_an_altered_hash_is_named(artifact: Path, tmp_path: Path) -> None:
    def forge(manifest: Any) -> None:
        manifest["files"][EVENTS] = "0" * 64

    bad = altered(artifact, tmp_path / "altered.zip", in_json(MANIFEST, forge), forge=False)
    assert wrong_lines(bad) == [f"hashes: {EVENTS}: does not match its hash in the manifest"]


def test_a_file_that_the_manifest_does_not_list_is_named(artifact: Path, tmp_path: Path) -> None:
    bad = altered(
        artifact, tmp_path / "altered.zip", lambda content: content.update({"figures/more.svg": b"<svg/>"}), forge=False
    )
    assert wrong_lines(bad) == ["hashes: figures/more.svg: does not match its hash in the manifest"]


def test_last_digits_may_differ_and_no_more() -> None:
    one = pa.table({"a": [1.0, None, float("nan")], "b": ["x", None, "z"]})
    assert difference(one, one) is None
    assert difference(one.set_column(0, "a", pa.array([1.0 + 1e-12, None, float("nan")])), one) is None
    assert difference(one.set_column(0, "a", pa.array([1.0 + 1e-6, None, float("nan")])), one) is not None
    assert (
        difference(one.set_column(1, "b", pa.array(["x", "y", "z"])), one) == "row 2, b: found y; made anew it is None"
    )
    assert difference(one.slice(0, 2), one) == "2 rows; made anew it has 3"


def test_the_command_ends_with_its_verdict(
    artifact: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from settling.cli import main

    bad = altered(artifact, tmp_path / "bad.zip", lambda content: content.update({"findings.txt": b""}))
    for path, status, last in ((artifact, 0, "all agrees"), (bad, 1, "not all agrees")):
        monkeypatch.setattr("sys.argv", ["settling", "verify", str(path)])
        with pytest.raises(SystemExit) as ended:
            main()
        assert int(ended.value.code or 0) == status
        assert capsys.readouterr().out.splitlines()[-1] == last


def test_every_run_is_checked(study: Study, artifact: Path, tmp_path: Path) -> None:
    for number, run in enumerate(runs(study)):
        change = in_table(str(run.events), with_value("learning", 0, 99))
        found = wrong_lines(altered(artifact, tmp_path / f"{number}.zip", change))
        assert any(line.startswith(f"events: {run.events}: row 1, learning: found 99") for line in found)
