"""The Hugging Face hub: files at a pinned revision, and Parquet data sets. No code of a repository runs.

The hub's address is HF_ENDPOINT where the environment sets it (huggingface_hub reads it).
"""

import contextlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from settling.data.messages import one_line, one_line_errors
from settling.data.sentences import MAX_WORDS, Sentence, in_iob2
from settling.data.tags import TagError
from settling.errors import BadInput
from settling.files import sha256

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


def read_parquet(
    path: Path, token_column: str, tag_column: str, scheme: str, cache: Path, where: str
) -> tuple[list[Sentence], dict[str, Any]]:
    """Read a Parquet file of lists of tokens and of tags (ClassLabel or strings), one sentence a row.

    Returns the sentences with IOB2 tags and a record of what was changed; `cache` is a scratch folder.
    Raises BadInput with `where` and the row, from 0.
    """
    from datasets import Dataset

    with one_line_errors(where):
        table = Dataset.from_parquet(str(path), cache_dir=str(cache))
    for column in (token_column, tag_column):
        if column not in table.column_names:
            raise BadInput(f"{where}: no column {column!r}; found {', '.join(table.column_names)}")
    names = _tag_names(table.features[tag_column], f"{where}: column {tag_column!r}")
    sentences = []
    converted = empty = 0
    rows = zip(table[token_column][:], table[tag_column][:], strict=True)
    for row, (tokens, tags) in enumerate(rows):
        if not tokens and not tags:
            empty += 1
            continue
        sentence, changed = _sentence(tokens, tags, names, scheme, f"{where}: row {row}")
        sentences.append(sentence)
        converted += changed
    if not sentences:
        raise BadInput(f"{where}: no sentences")
    return sentences, {"empty_sentences_dropped": empty, "tags_converted": converted}


def _tag_names(feature: Any, where: str) -> Sequence[str] | None:
    """Return the names of a list of ClassLabel, None for a list of strings; raise BadInput for the rest."""
    from datasets import ClassLabel

    inner = getattr(feature, "feature", None)
    if isinstance(inner, ClassLabel) and inner.names:
        return list(inner.names)
    if getattr(inner, "dtype", None) in ("string", "large_string"):
        return None
    raise BadInput(f"{where}: found {one_line(feature)}, expected lists of ClassLabel or of strings")


def _sentence(tokens: Any, tags: Any, names: Sequence[str] | None, scheme: str, where: str) -> tuple[Sentence, int]:
    """Check one row; return its sentence and how many of its tags were converted."""
    if not isinstance(tokens, list) or not isinstance(tags, list) or len(tokens) != len(tags):
        raise BadInput(f"{where}: found {_length(tokens)} tokens and {_length(tags)} tags, expected equally many")
    if len(tokens) > MAX_WORDS:
        raise BadInput(f"{where}: found a sentence of {len(tokens)} words, expected at most {MAX_WORDS}")
    for token in tokens:
        if not isinstance(token, str) or not token.strip(" \t\r\n"):
            raise BadInput(f"{where}: found the token {token!r}, expected a word")
    known = range(len(names)) if names is not None else None
    for tag in tags:
        if tag is None or (known is not None and tag not in known):
            raise BadInput(f"{where}: found the tag {tag!r}, expected one of {names or 'the scheme'}")
    named = [names[tag] for tag in tags] if names is not None else tags
    try:
        return in_iob2(tokens, named, scheme)
    except TagError as error:
        raise BadInput(f"{where}, word {error.position}: {error.reason}") from None


def _length(values: Any) -> str:
    return str(len(values)) if isinstance(values, list) else f"no list ({values!r})"


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
