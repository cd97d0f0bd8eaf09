"""``python -m suture`` is the command ``suture``."""

from .cli import main

main()
