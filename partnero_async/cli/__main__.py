"""`python -m partnero_async.cli` is `partnero`."""

from . import main

main()
