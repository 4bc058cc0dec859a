"""``python -m ckstore``."""

import sys

from ckstore.cli.main import main

sys.exit(main())
