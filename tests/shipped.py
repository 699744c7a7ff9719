"""The functions as the project's own files deploy them, and the policies of their roles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cli.deployment.functions import HANDLER, Function, variables_of
from cli.deployment.model import Deployment, Log
from cli.deployment.names import Names
from cli.deployment.project import read_project
from cli.deployment.roles import placeholders_of, role_document
from shared.runtime.settings import FcApi

ROOT = Path(__file__).parent.parent
PROJECT = read_project(ROOT / "policies.yaml")
FUNCTIONS = {function.folder: function for function in PROJECT.functions}
"""By their logical names, in the order of the templates."""
LOG = (PROJECT.functions[0].project, PROJECT.functions[0].logstore)
__all__ = ["FUNCTIONS", "HANDLER", "LOG", "PROJECT", "ROOT", "Function", "role_policy", "variables"]


def variables(folder: str, api: FcApi) -> dict[str, str]:
    """Return the variables of a function as a template sets them."""
    return variables_of(FUNCTIONS[folder], PROJECT.functions, api)


def role_policy(
    folder: str,
    *,
    project: str = "snapshot-automation",
    logstore: str = "records",
    region: str = "*",
    account_id: str = "*",
) -> dict[str, Any]:
    """Return the policy of a function's role; any region and account where none is named."""
    deployment = Deployment(
        region=region, account_id=account_id, log=Log(project=project, logstore=logstore)
    )
    return role_document(folder, placeholders_of(deployment, Names(deployment="main")))
