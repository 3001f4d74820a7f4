"""`python -m mmhash_nb` without the report, whose imports take longer than the batches of tests."""

import sys
from types import ModuleType

if __name__ == "__main__":
    report, gathered = ModuleType("report"), ModuleType("gathered")
    report.write = lambda out, outcomes: []
    gathered.gather = lambda jobs, out, folder: []
    sys.modules |= {"mmhash_nb.report": report, "mmhash_nb.runner.merging": gathered}
    from mmhash_nb.cli.reproduce import main

    sys.exit(main())
