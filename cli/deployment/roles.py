"""
The RAM documents of the functions' roles, with the names of one deployment filled in.

The files `functions/*/ram-policy.json` have placeholders, as `string.Template` writes them. Never
calls a service.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

from cli.deployment.functions import project_of, queue_of
from cli.deployment.model import Deployment
from cli.deployment.names import FOLDERS, Names

POLICY_FILE = "ram-policy.json"
FUNCTIONS = Path(__file__).parent.parent.parent / "functions"

TRUST: Mapping[str, Any] = {
    "Version": "1",
    "Statement": [
        {
            "Action": "sts:AssumeRole",
            "Effect": "Allow",
            "Principal": {"Service": ["fc.aliyuncs.com"]},
        }
    ],
}
"""Who may take the roles: Function Compute ("Grant Function Compute permissions")."""


def placeholders_of(deployment: Deployment, names: Names) -> dict[str, str]:
    """
    Return the value of each placeholder of a document.

    Args:
        deployment: Its variables have to be filled in.
        names: Those of the same deployment.

    """
    values = {
        "region": deployment.region,
        "account_id": deployment.account_id,
        "project": project_of(deployment),
        "logstore": deployment.log.logstore,
        "queue": queue_of(deployment, names),
    }
    for folder in FOLDERS:
        values[folder] = names.function(folder)
        values[f"{folder}_service"] = names.service(folder)
    return values


def role_document(folder: str, values: Mapping[str, str]) -> dict[str, Any]:
    """Return the policy of a function's role; raises KeyError for an unknown placeholder."""
    text = (FUNCTIONS / folder / POLICY_FILE).read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(Template(text).substitute(values))
    return document
