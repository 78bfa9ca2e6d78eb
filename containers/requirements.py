"""Prints what the installed nnshim requires of some packages: python requirements.py PACKAGE..."""

import re
import sys
from importlib.metadata import requires

for requirement in requires("nnshim") or ():
    name = re.match(r"[\w.-]+", requirement)
    if name and name[0] in sys.argv[1:] and ";" not in requirement:
        print(requirement)
