"""
HTTP sessions that follow no redirect.

`requests` sends the body and every header but `Authorization` to the target of a redirect,
including the security token. The services document no redirects, so a redirect is treated as an
answer that is neither a success nor an error.
"""

from __future__ import annotations

from requests import Response, Session


class NoRedirectSession(Session):
    """A session that returns a redirect as the answer."""

    def get_redirect_target(self, resp: Response) -> None:
        """Return None, so that the caller gets the redirect itself as the answer."""
