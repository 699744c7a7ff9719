"""
The project as it is meant to be deployed: both files read together, and the templates from them.

Never calls a service.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cli.deployment import fun_template, s_template
from cli.deployment.file import NAME, read_deployment
from cli.deployment.functions import Function, functions_of
from cli.deployment.model import Deployment
from cli.deployment.names import Names
from cli.deployment.variables import for_serverless_devs
from shared.errors import InvalidPolicyError, Problems
from shared.policies.policy import PolicyFile
from shared.policies.policy_file import load_policies
from shared.runtime.json_yaml import read_policies

PROJECT = "ecs-snapshot-automation"
"""The name of the project in Serverless Devs."""
TEMPLATES = {"s": s_template.NAME, "fun": fun_template.NAME}
"""By tool the file that it deploys."""


class ProjectError(Exception):
    """The files cannot be used; the message names every problem, one a line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A deployment, its policies, and its functions."""

    root: Path
    deployment: Deployment
    policies: PolicyFile

    @property
    def names(self) -> Names:
        """Return the names under which things are deployed."""
        return Names(deployment=self.policies.deployment)

    @property
    def functions(self) -> tuple[Function, ...]:
        """Return the functions as they are meant to be deployed."""
        return functions_of(self.deployment, self.policies)


def read_project(policies: Path) -> Project:
    """
    Read a policy file and the `deployment.yaml` in its folder.

    Raises:
        ProjectError: One of them cannot be used. `cli check` finds more.

    """
    problems = Problems()
    messages: list[str] = []
    try:
        content = load_policies(read_policies(policies, problems), problems)
    except InvalidPolicyError as exc:
        messages += [
            str(problem) if problem.path == policies.name else f"{policies.name}: {problem}"
            for problem in exc.problems
        ]
    found = read_deployment(policies.parent / NAME)
    messages += found.problems
    if messages or found.deployment is None:
        raise ProjectError("\n".join(messages))
    return Project(root=policies.parent, deployment=found.deployment, policies=content)


def templates_of(deployment: Deployment, policies: PolicyFile) -> Mapping[str, str]:
    """Return the text of each template that the tools of a deployment need, by its file."""
    texts = {}
    if "s" in deployment.tools:
        functions = functions_of(for_serverless_devs(deployment), policies)
        texts[s_template.NAME] = s_template.s_template(functions, deployment.region, PROJECT)
    if "fun" in deployment.tools:
        texts[fun_template.NAME] = fun_template.fun_template(functions_of(deployment, policies))
    return texts


def stale_templates(root: Path, wanted: Mapping[str, str]) -> Mapping[str, str | None]:
    """
    Return the templates in a folder that have to be written anew.

    Args:
        root: The folder.
        wanted: Their texts, as `templates_of` returns them.

    Returns:
        By file the text to write; None for a template of a tool that is not used, to remove.

    """
    stale: dict[str, str | None] = {}
    for name in TEMPLATES.values():
        path, text = root / name, wanted.get(name)
        there = path.read_bytes() if path.is_file() else None
        if there != (None if text is None else text.encode()):
            stale[name] = text
    return stale


def write_templates(project: Project) -> list[str]:
    """Write the templates that are out of date; return a line for each, none if all were right."""
    lines = []
    wanted = templates_of(project.deployment, project.policies)
    for name, text in stale_templates(project.root, wanted).items():
        path = project.root / name
        if text is None:
            path.unlink()
        else:
            path.write_text(text, encoding="utf-8", newline="\n")
        lines.append(f"{name}: {'removed' if text is None else 'written'}")
    return lines
