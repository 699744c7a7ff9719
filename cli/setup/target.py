"""
What a set-up aims at: the project as it is meant, and the clients of the account.

Never decides anything.
"""

from __future__ import annotations

from dataclasses import dataclass

from cli.account.access import Access
from cli.account.fc import Fc2Account, Fc3Account, FcAccount
from cli.account.ram import RamClient
from cli.account.sls import SlsClient
from cli.account.smq import SmqClient
from cli.deployment.functions import Function, functions_of, project_of, queue_of
from cli.deployment.model import Deployment
from cli.deployment.names import Names
from shared.policies.policy import PolicyFile
from shared.runtime.context import FunctionName

TOOL_NAMES = {"s": "FC 3.0", "fun": "FC 2.0"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One deployment, in one region of one account."""

    deployment: Deployment
    """With its variables filled in, and the id of the account."""
    policies: PolicyFile
    ram: RamClient
    sls: SlsClient
    smq: SmqClient
    fc: dict[str, FcAccount]
    """By tool the API that it deploys to, whether the deployment uses that tool or not."""

    @property
    def names(self) -> Names:
        """Return the names under which things are deployed."""
        return Names(deployment=self.policies.deployment)

    @property
    def mark(self) -> str:
        """
        Return the description of what belongs to this deployment.

        With the region, because roles and their policies have none: a deployment of the same name
        in another region must not take them for its own.
        """
        return f"{self.names.mark} in {self.deployment.region}"

    @property
    def project(self) -> str:
        """Return the log project."""
        return project_of(self.deployment)

    @property
    def logstore(self) -> str:
        """Return the Logstore."""
        return self.deployment.log.logstore

    @property
    def queue(self) -> str:
        """Return the queue for what Function Compute could not carry out."""
        return queue_of(self.deployment, self.names)

    @property
    def functions(self) -> tuple[Function, ...]:
        """Return the functions as they are meant to be deployed."""
        return functions_of(self.deployment, self.policies)


def target_of(access: Access, deployment: Deployment, policies: PolicyFile) -> Target:
    """Return the target of a set-up; nothing is called yet."""
    return Target(
        deployment=deployment,
        policies=policies,
        ram=RamClient(access),
        sls=SlsClient(access),
        smq=SmqClient(access),
        fc={"s": Fc3Account(access), "fun": Fc2Account(access, deployment.account_id)},
    )


def deployed_name(function: Function, tool: str) -> FunctionName:
    """Return the name of a function in the API that a tool deploys to."""
    return FunctionName(service=function.service if tool == "fun" else "", name=function.name)
