"""Run the bench of faults in full, and print its table: ``python -m tests.bench``.

Nothing else is here: the processes of its parts do not import the main module.
"""

import sys

from tests.bench.table import main

sys.exit(main())
