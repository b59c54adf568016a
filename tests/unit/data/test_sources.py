import subprocess
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from settling.config import Dataset
from settling.data.fetch import fetch
from settling.errors import BadInput
from settling.provenance import git_blob, sha256

CONTENT = b"a O\nb B-X\n"
WRONG = "0" * 64


class Files(BaseHTTPRequestHandler):
    """Serves CONTENT at /good, half of it at /cut, a moved address at /moved and nothing elsewhere."""

    def do_GET(self) -> None:
        name = self.path.strip("/")
        self.send_response({"good": 200, "cut": 200, "moved": 302}.get(name, 404))
        if name == "moved":
            self.send_header("Location", "/good")
        self.send_header("Content-Length", str(len(CONTENT) if name in ("good", "cut") else 0))
        self.end_headers()
        if name in ("good", "cut"):
            self.wfile.write(CONTENT[: len(CONTENT) if name == "good" else 5])

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def content_file(tmp_path: Path) -> Path:
    path = tmp_path / "content.txt"
    path.write_bytes(CONTENT)
    return path


def source(**values: Any) -> Any:
    return Dataset.model_validate({"source": values}).source


def refusal(values: dict[str, Any], folder: Path) -> str:
    with pytest.raises(BadInput) as error:
        fetch(source(**values), folder)
    assert "\n" not in str(error.value)
    raw = folder / "raw"
    assert not raw.exists() or not list(raw.iterdir())
    return str(error.value)


def test_local_files_are_used_in_place(tmp_path: Path, content_file: Path) -> None:
    local = source(kind="local", files={"all": str(content_file)}, sha256={"all": sha256(content_file)})
    assert fetch(local, tmp_path / "scratch") == {"all": content_file}


def test_a_local_file_with_another_hash_is_refused_and_kept(tmp_path: Path, content_file: Path) -> None:
    values = {"kind": "local", "files": {"all": str(content_file)}, "sha256": {"all": WRONG}}
    message = refusal(values, tmp_path / "scratch")
    assert message == f"{content_file}: found sha256 {sha256(content_file)}, expected {WRONG}"
    assert content_file.read_bytes() == CONTENT


def test_a_missing_local_file_is_refused(tmp_path: Path) -> None:
    message = refusal({"kind": "local", "files": {"all": f"{tmp_path}/none"}}, tmp_path / "scratch")
    assert message == f"{tmp_path}/none: no such file"


@pytest.mark.parametrize("name", ["good", "moved"])
@pytest.mark.parametrize(("key", "function"), [("sha256", sha256), ("git_blob", git_blob)])
def test_a_url_is_fetched_and_its_hash_checked(
    tmp_path: Path, serve: Any, content_file: Path, name: str, key: str, function: Callable[[Path], str]
) -> None:
    url = f"{serve(Files)}/{name}"
    pinned = {key: {"all": function(content_file)}}
    path = fetch(source(kind="url", files={"all": url}, **pinned), tmp_path / "scratch")["all"]
    assert path.read_bytes() == CONTENT


def test_git_blob_is_the_id_that_git_gives(content_file: Path) -> None:
    run = subprocess.run(["git", "hash-object", content_file], capture_output=True, text=True, check=True)
    assert git_blob(content_file) == run.stdout.strip()


@pytest.mark.parametrize("key", ["sha256", "git_blob"])
def test_a_url_with_another_hash_is_refused_and_not_kept(
    tmp_path: Path, serve: Any, content_file: Path, key: str
) -> None:
    url = f"{serve(Files)}/good"
    expected = WRONG if key == "sha256" else "0" * 40
    found = (sha256 if key == "sha256" else git_blob)(content_file)
    message = refusal({"kind": "url", "files": {"all": url}, key: {"all": expected}}, tmp_path / "scratch")
    assert message == f"{url}: found {key} {found}, expected {expected}"


@pytest.mark.parametrize(("name", "words"), [("cut", "IncompleteRead"), ("none", "404")])
def test_a_url_that_fails_is_refused(tmp_path: Path, serve: Any, name: str, words: str) -> None:
    url = f"{serve(Files)}/{name}"
    message = refusal({"kind": "url", "files": {"all": url}, "sha256": {"all": WRONG}}, tmp_path / "scratch")
    assert message.startswith(f"{url}: download failed: ")
    assert words in message


@pytest.mark.parametrize(("key", "function"), [("sha256", sha256), ("git_blob", git_blob)])
def test_a_file_downloaded_before_is_known_by_its_hash(
    tmp_path: Path, content_file: Path, monkeypatch: pytest.MonkeyPatch, key: str, function: Callable[[Path], str]
) -> None:
    deep = tmp_path / "kept" / "deep"
    deep.mkdir(parents=True)
    (deep / "another name").write_bytes(CONTENT)
    (tmp_path / "kept" / "all").write_bytes(b"not it")
    monkeypatch.setenv("SETTLING_FILES", str(tmp_path / "kept"))
    values = {"kind": "url", "files": {"all": "http://127.0.0.1:1/x"}, key: {"all": function(content_file)}}
    assert fetch(source(**values), tmp_path / "scratch")["all"] == deep / "another name"
    values[key] = {"all": WRONG if key == "sha256" else "0" * 40}
    assert "download failed" in refusal(values, tmp_path / "scratch")


def test_a_missing_folder_of_downloaded_files_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SETTLING_FILES", f"{tmp_path}/none")
    values = {"kind": "url", "files": {"all": "http://127.0.0.1:1/x"}, "sha256": {"all": WRONG}}
    message = refusal(values, tmp_path / "scratch")
    assert (
        message == f"SETTLING_FILES: {tmp_path}/none is no folder; expected one with files that were downloaded before"
    )


def test_a_server_that_is_not_there_is_refused(tmp_path: Path) -> None:
    values = {"kind": "url", "files": {"all": "http://127.0.0.1:1/x"}, "sha256": {"all": WRONG}}
    assert "download failed" in refusal(values, tmp_path / "scratch")


def test_an_address_that_is_no_url_is_refused(tmp_path: Path) -> None:
    values = {"kind": "url", "files": {"all": "data/file.txt"}, "sha256": {"all": WRONG}}
    assert refusal(values, tmp_path / "scratch").startswith("data/file.txt: download failed: ")


def test_a_file_of_a_wheel_is_unpacked_and_nothing_is_run(tmp_path: Path, make_wheel: Any, content_file: Path) -> None:
    mark = tmp_path / "imported"
    code = f"open({str(mark)!r}, 'w')".encode()
    make_wheel({"tiny/data.txt": CONTENT, "tiny/__init__.py": code, "setup.py": code})
    pinned = {"all": sha256(content_file)}
    values = {"kind": "pypi", "package": "tiny==1.0", "files": {"all": "tiny/data.txt"}, "sha256": pinned}
    path = fetch(source(**values), tmp_path / "scratch")["all"]
    assert path.read_bytes() == CONTENT
    assert not mark.exists()


def test_a_wheel_with_another_content_is_refused_and_not_kept(tmp_path: Path, make_wheel: Any) -> None:
    make_wheel({"tiny/data.txt": CONTENT})
    values = {"kind": "pypi", "package": "tiny==1.0", "files": {"all": "tiny/data.txt"}, "sha256": {"all": WRONG}}
    assert "tiny==1.0/tiny/data.txt: found sha256" in refusal(values, tmp_path / "scratch")


def test_a_wheel_without_the_file_is_refused(tmp_path: Path, make_wheel: Any) -> None:
    make_wheel({"tiny/data.txt": CONTENT})
    values = {"kind": "pypi", "package": "tiny==1.0", "files": {"all": "tiny/date.txt"}, "sha256": {"all": WRONG}}
    message = refusal(values, tmp_path / "scratch")
    assert "no file 'tiny/date.txt' in the wheel; did you mean 'tiny/data.txt'?" in message


def test_no_name_in_a_wheel_escapes_the_folder(tmp_path: Path, make_wheel: Any, content_file: Path) -> None:
    make_wheel({"../../escaped.txt": CONTENT})
    pinned = {"all": sha256(content_file)}
    values = {"kind": "pypi", "package": "tiny==1.0", "files": {"all": "../../escaped.txt"}, "sha256": pinned}
    path = fetch(source(**values), tmp_path / "deep" / "scratch")["all"]
    assert path == tmp_path / "deep" / "scratch" / "raw" / "all"
    assert not list(tmp_path.rglob("escaped.txt"))


def test_a_package_that_pip_cannot_find_is_refused(tmp_path: Path, make_wheel: Any) -> None:
    values = {"kind": "pypi", "package": "tiny==2.0", "files": {"all": "x"}, "sha256": {"all": WRONG}}
    message = refusal(values, tmp_path / "scratch")
    assert message == "tiny==2.0: pip download failed: No matching distribution found for tiny==2.0"


def test_a_damaged_wheel_is_refused(tmp_path: Path, make_wheel: Any) -> None:
    wheel = make_wheel({"tiny/data.txt": CONTENT * 1000})
    wheel.write_bytes(wheel.read_bytes()[:2000])
    values = {"kind": "pypi", "package": "tiny==1.0", "files": {"all": "tiny/data.txt"}, "sha256": {"all": WRONG}}
    assert "tiny" in refusal(values, tmp_path / "scratch")


def test_a_hub_file_that_is_not_parquet_is_refused(tmp_path: Path) -> None:
    values = {"kind": "hub", "repo": "owner/name", "revision": "0" * 40, "files": {"all": "loader.py"}}
    assert "expected a .parquet file" in refusal(values, tmp_path / "scratch")
