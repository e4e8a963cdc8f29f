"""Set-up, tests and checks, as the Makefile calls them. Standard library only: nothing is installed yet."""
