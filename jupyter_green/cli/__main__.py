"""``python -m jupyter_green.cli``: the command line where no script of ours is on the path."""

from jupyter_green.cli import main

if __name__ == "__main__":
    main()
