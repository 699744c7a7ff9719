"""
One alert, and how SLS takes it: the body is that of "CreateAlert" (alert 2.0).

Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cli.deployment.names import fitted

HIGH, MEDIUM = 8, 6
"""Severities ("CreateAlert": 2, 4, 6, 8, 10)."""
GUIDE = "docs/operations.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert."""

    slug: str
    """Its name without the deployment's, and the anchor of its section in `GUIDE`."""
    title: str
    text: str
    """What happened; `${column}` is that of the first row."""
    query: str
    window: str
    """How far back the query looks, such as ``15m``."""
    interval: str
    """How often it is evaluated."""
    condition: str
    severity: int
    repeat: str = "1h"
    """How often people are told again while it holds."""


def alert_document(
    alert: Alert,
    *,
    deployment: str,
    mark: str,
    region: str,
    project: str,
    logstore: str,
    action_policy: str,
) -> dict[str, Any]:
    """
    Return an alert as CreateAlert takes it.

    Args:
        alert: The alert.
        deployment: The name of the deployment, part of the alert's name and title.
        mark: What marks it as made by this deployment.
        region: Where the Logstore is.
        project: Its project.
        logstore: Its name.
        action_policy: The id of the policy that says who is told.

    """
    return {
        "name": alert_name(alert.slug, deployment),
        "displayName": f"{alert.title} ({deployment})",
        "description": mark,
        "type": "Alert",
        "state": "Enabled",
        "schedule": {"type": "FixedRate", "interval": alert.interval},
        "configuration": {
            "version": "2.0",
            "type": "default",
            "dashboard": "internal-alert-analysis",
            "queryList": [
                {
                    "storeType": "log",
                    "region": region,
                    "project": project,
                    "store": logstore,
                    "query": alert.query,
                    "timeSpanType": "Relative",
                    "start": f"-{alert.window}",
                    "end": "now",
                    "powerSqlMode": "auto",
                }
            ],
            "groupConfiguration": {"type": "no_group", "fields": []},
            "joinConfigurations": [],
            "severityConfigurations": [
                {
                    "severity": alert.severity,
                    "evalCondition": {"condition": alert.condition, "countCondition": ""},
                }
            ],
            "labels": [],
            "annotations": [
                {"key": "title", "value": f"{alert.title} ({deployment})"},
                {"key": "desc", "value": f"{alert.text}; see {GUIDE}#{alert.slug}"},
            ],
            "autoAnnotation": True,
            "sendResolved": True,
            "threshold": 1,
            "noDataFire": False,
            "noDataSeverity": MEDIUM,
            "policyConfiguration": {
                "alertPolicyId": "sls.builtin.dynamic",
                "actionPolicyId": action_policy,
                "repeatInterval": alert.repeat,
                "useDefault": False,
            },
        },
    }


def alert_name(slug: str, deployment: str) -> str:
    """Return the name of an alert in its project: at most 64 characters ("CreateAlert", name)."""
    return f"ecsnap-{fitted(deployment, _MAX_DEPLOYMENT)}-{slug}"


_MAX_DEPLOYMENT = 33
"""What the longest slug leaves of 64 characters."""
