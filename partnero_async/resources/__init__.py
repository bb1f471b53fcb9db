"""One module, one class per noun of the API."""
