"""Findings as SARIF 2.1.0, the format in which forges and editors take them.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

import hashlib
from urllib.parse import quote

from ckstore.operations.lint.check import CheckReport
from ckstore.operations.lint.findings import RULES, Finding

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_ROOT = "SRCROOT"


def as_sarif(report: CheckReport, version: str) -> dict[str, object]:
    """One run with all rules; paths are relative to the root of the repository that was checked."""
    rules = list(RULES)
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "ckstore",
                        "semanticVersion": version,
                        "rules": [
                            {
                                "id": rule.id,
                                "shortDescription": {"text": rule.about},
                                "defaultConfiguration": {"level": rule.level},
                            }
                            for rule in RULES.values()
                        ],
                    }
                },
                "originalUriBaseIds": {_ROOT: {"description": {"text": "The root of the repository."}}},
                "columnKind": "unicodeCodePoints",
                "results": [_result(finding, rules.index(finding.rule)) for finding in report.findings],
            }
        ],
    }


def _result(finding: Finding, number: int) -> dict[str, object]:
    message = ". ".join([finding.message, *finding.hints])
    identity = "\0".join((finding.rule, finding.component.partition("@")[0], finding.file, finding.message))
    result: dict[str, object] = {
        "ruleId": finding.rule,
        "ruleIndex": number,
        "level": finding.level,
        "message": {"text": message},
        "partialFingerprints": {"ckstore/v1": hashlib.sha256(identity.encode()).hexdigest()[:32]},
        "properties": {"source": finding.source, "component": finding.component},
    }
    location: dict[str, object] = {}
    if finding.file:
        physical: dict[str, object] = {"artifactLocation": {"uri": quote(finding.file), "uriBaseId": _ROOT}}
        if finding.line:
            physical["region"] = {"startLine": finding.line}
        location["physicalLocation"] = physical
    if finding.component:
        location["logicalLocations"] = [{"fullyQualifiedName": finding.component, "kind": "module"}]
    if location:
        result["locations"] = [location]
    return result
