"""``python -m showtell``, which ``torchrun -m showtell`` needs too."""

import sys

from showtell.cli import main

sys.exit(main())
