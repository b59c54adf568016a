"""Check the RO-Crate of an artifact with `roc-validator`, off the network: `python validate.py ARTIFACT CONTEXT`.

CONTEXT is RO-Crate 1.1's JSON-LD context, which the validator would fetch. Prints what the profile Workflow Run Crate
requires or recommends and the crate lacks; ends non-zero where something required is lacking.
"""

import io
import json
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import requests
from rdflib.plugins.shared.jsonld import context
from rocrate_validator.models import Severity
from rocrate_validator.services import validate

ADDRESS = "https://w3id.org/ro/crate/1.1/context"
PROFILE = "workflow-run-crate-0.5"


class Local(requests.adapters.BaseAdapter):
    """Answers for the network: it has the context, and nothing else."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.content = content

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:
        known = request.url == ADDRESS
        response = requests.Response()
        response.request, response.url = request, request.url
        response.status_code = 200 if known else 504
        response.headers["Content-Type"] = "application/ld+json"
        response.raw = io.BytesIO(self.content if known else b"")
        return response

    def close(self) -> None:
        pass


def main(artifact: Path, content: bytes) -> None:
    requests.Session.get_adapter = lambda self, url: Local(content)
    fetch = context.source_to_json
    context.source_to_json = lambda source, *arguments, **options: (
        (json.loads(content), None) if str(source) == ADDRESS else fetch(source, *arguments, **options)
    )
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(artifact) as archive:
            archive.extractall(folder)
        settings = {
            "rocrate_uri": folder,
            "profile_identifier": PROFILE,
            "requirement_severity": Severity.RECOMMENDED,
            "abort_on_first": False,
            "no_cache": True,
        }
        issues = validate(settings).get_issues()
    for issue in issues:
        print(f"{issue.severity.name.lower()}: {issue.check.identifier}: {issue.message} ({issue.violatingEntity})")
    lacking = sum(issue.severity is Severity.REQUIRED for issue in issues)
    print(f"{PROFILE}: {lacking} required and {len(issues) - lacking} recommended checks do not pass")
    sys.exit(lacking > 0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]).read_bytes())
