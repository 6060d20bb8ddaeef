"""``showtell`` and ``python -m showtell``, which ``torchrun -m showtell`` needs too."""

import sys

__all__ = ["run"]


def run() -> None:
    """Run the command line and end the process; Ctrl-C while modules are still imported ends it as quietly as later."""
    try:
        from showtell.cli import main

        status = main()
    except KeyboardInterrupt:
        print("showtell: stopped", file=sys.stderr)
        status = 130
    sys.exit(status)


if __name__ == "__main__":
    run()
