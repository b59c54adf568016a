"""`python -m settling` is `settling`."""

from settling.cli import main

main()
