"""The whole attack: python tests/attack."""

import sys

from run_attack import main

if __name__ == "__main__":
    sys.exit(main())
