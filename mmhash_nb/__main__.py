"""`python -m mmhash_nb`: the package's command line."""

import sys

# Processes that run a notebook import this module again: what they do not need stays out of it.
if __name__ == "__main__":
    from mmhash_nb.cli import main

    sys.exit(main())
