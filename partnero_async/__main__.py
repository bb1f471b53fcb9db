"""`python -m partnero_async` is `partnero`."""

from .cli import main

main()
