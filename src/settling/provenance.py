"""What a file says of its making: the hashes of what it was made of, the version and the commit of the package."""

import functools
import hashlib
import subprocess
from collections.abc import Mapping
from io import BufferedReader
from pathlib import Path
from typing import Any

import settling
from settling.canonical import digest

# What a core keeps near it.
CHUNK = 1 << 18


def sha256(path: Path) -> str:
    """Return the SHA-256 (hex) of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def checkpoint_hash(folder: Path) -> str:
    """Return one hash of a checkpoint's files; its card, which says when and how they came, is not of them."""
    files = [path for path in sorted(folder.glob("[!.]*")) if path.is_file() and path.name != "card.json"]
    return digest({path.name: sha256(path) for path in files})


def git_blob(path: Path) -> str:
    """Return the id git gives a file's content: SHA-1 over `blob <size>`, a NUL byte and the content."""
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


@functools.cache
def commit() -> str:
    """Return the git commit of this package's checkout, `+` added where src/ was edited; else `none`."""
    package = Path(settling.__file__).resolve().parent

    def git(*arguments: str) -> str:
        run = subprocess.run(["git", "-C", str(package), *arguments], capture_output=True, text=True, check=True)
        return run.stdout.strip()

    try:
        if Path(git("rev-parse", "--show-toplevel")) / "src" / "settling" != package:
            return "none"
        return git("rev-parse", "HEAD") + ("+" if git("status", "--porcelain", "--", str(package)) else "")
    except (OSError, subprocess.CalledProcessError):
        return "none"


def provenance(command: str, spec: Any, inputs: Mapping[str, Path | str], **extra: Any) -> dict[str, Any]:
    """Return what a file says of its making: command, parameters, version, commit, hashes of the inputs.

    `inputs` has, by role, the path of each input, or its SHA-256 (hex) where the caller knows it.
    """
    return {
        "command": command,
        "spec": spec,
        "version": settling.__version__,
        "commit": commit(),
        "inputs": {role: found if isinstance(found, str) else sha256(found) for role, found in inputs.items()},
        **extra,
    }


def hash_of_next(file: BufferedReader, num_bytes: int) -> "hashlib._Hash":
    """Read so many bytes of a file, or what is left of it, and return their SHA-256, which can go on."""
    found = hashlib.sha256()
    buffer = memoryview(bytearray(CHUNK))
    while num_bytes > 0 and (length := file.readinto(buffer[:num_bytes])):
        found.update(buffer[:length])
        num_bytes -= length
    return found
