"""``python -m automl`` is the command line."""

from automl.cli import main

if __name__ == "__main__":
    main()
