"""``python -m ganas``: the same as ``ganas``."""

import sys

from ganas.cli import main

if __name__ == "__main__":
    sys.exit(main())
