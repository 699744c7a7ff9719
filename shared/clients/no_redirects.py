"""
HTTP sessions that follow no redirect.

`requests` takes the body and every header but `Authorization` along to wherever a redirect
points, the security token included. The services document no redirects, so an answer of that
kind is one that cannot be used, as any other that is neither a success nor an error.
"""

from __future__ import annotations

from requests import Response, Session


class NoRedirectSession(Session):
    """A session for which no answer is a redirect."""

    def get_redirect_target(self, resp: Response) -> None:
        """Return None: the answer is handed to the caller as it is."""
