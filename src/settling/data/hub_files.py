"""The Hugging Face hub: files at a pinned revision. No code of a repository runs.

The hub's address is HF_ENDPOINT where the environment sets it (huggingface_hub reads it).
"""

import re
from pathlib import Path

from settling.data.messages import one_line_errors
from settling.errors import BadInput
from settling.files import sha256


def address(repo: str, repo_type: str, revision: str, name: str = "") -> str:
    """Return what messages call a file on the hub, such as hf://datasets/owner/name@revision/file."""
    return f"hf://{repo_type}s/{repo}@{revision}" + (f"/{name}" if name else "")


def fetch_file(repo: str, repo_type: str, revision: str, name: str, folder: Path) -> Path:
    """Download one file into a cache inside `folder` and return its path.

    A file that the hub keeps by its SHA-256 (LFS) is checked against that. Raises BadInput, one line.
    """
    import huggingface_hub

    where = address(repo, repo_type, revision, name)
    with one_line_errors(where):
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
    with one_line_errors(where):
        info = huggingface_hub.HfApi().model_info(repo, revision=revision)
    return [file.rfilename for file in info.siblings or []]
