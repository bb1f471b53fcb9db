"""The API key itself."""

from ..models.account import Account
from ..retries import Kind
from ._resource import Resource


class AccountResource(Resource):
    """Who the API key belongs to."""

    async def test(self) -> Account:
        """Check the API key, and say which program it belongs to.

        Raises `AuthenticationError` for a key that is not valid.
        Source: the vendor's PHP library only.
        """
        return await self._call(Account, Kind.READ, "GET /test")
