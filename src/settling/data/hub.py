"""The Hugging Face hub: files at a pinned revision. No code of a repository runs.

The hub's address is HF_ENDPOINT where the environment sets it (huggingface_hub reads it).
"""

import contextlib
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from settling.errors import BadInput, one_line_errors
from settling.provenance import sha256

MAX_REQUESTS = 5


def address(repo: str, repo_type: str, revision: str, name: str = "") -> str:
    """Return what messages call a file on the hub, such as hf://datasets/owner/name@revision/file."""
    return f"hf://{repo_type}s/{repo}@{revision}" + (f"/{name}" if name else "")


def fetch_file(repo: str, repo_type: str, revision: str, name: str, folder: Path) -> Path:
    """Download one file into a cache inside `folder` and return its path.

    A file that the hub keeps by its SHA-256 (LFS) is checked against that. Raises BadInput, one line.
    """
    import huggingface_hub

    where = address(repo, repo_type, revision, name)
    with one_line_errors(where), _bounded_retries(where):
        url = huggingface_hub.hf_hub_url(repo, name, repo_type=repo_type, revision=revision)
        etag = huggingface_hub.get_hf_file_metadata(url).etag or ""
        path = huggingface_hub.hf_hub_download(
            repo, name, repo_type=repo_type, revision=revision, cache_dir=folder / "hub"
        )
    # Other etags (git ids, mirrors' own) say nothing that can be checked.
    if re.fullmatch("[0-9a-f]{64}", etag) and (found := sha256(Path(path))) != etag:
        Path(path).resolve().unlink()
        raise BadInput(f"{where}: found sha256 {found}, expected {etag}, which the hub states")
    return Path(path)


def list_files(repo: str, revision: str) -> list[str]:
    """Return the names of the files of a model repository at a revision; raise BadInput where it has none."""
    import huggingface_hub

    where = address(repo, "model", revision)
    with one_line_errors(where), _bounded_retries(where):
        info = huggingface_hub.HfApi().model_info(repo, revision=revision)
    return [file.rfilename for file in info.siblings or []]


@contextlib.contextmanager
def _bounded_retries(where: str) -> Iterator[None]:
    """Raise BadInput at the MAX_REQUESTS+1st request for the same bytes of one URL.

    The hub's client alone starts over for ever where a server cuts a file after 10 MB and ignores Range. A resumed
    download asks for other bytes each time, so one that gets on is not stopped.
    """
    import huggingface_hub

    requests: Counter[str] = Counter()

    def count(request: Any) -> None:
        requests[f"{request.method} {request.url} {request.headers.get('Range')}"] += 1
        if max(requests.values()) > MAX_REQUESTS:
            raise BadInput(f"{where}: the connection was cut {MAX_REQUESTS} times")

    client = huggingface_hub.get_session()
    hooks = client.event_hooks
    client.event_hooks = {**hooks, "request": [*hooks["request"], count]}
    try:
        yield
    finally:
        client.event_hooks = hooks
