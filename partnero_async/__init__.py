"""An asyncio-first client for the Partnero REST API."""
