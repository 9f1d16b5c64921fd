"""``python -m polyrelu`` is the command line."""

import sys

from polyrelu.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
