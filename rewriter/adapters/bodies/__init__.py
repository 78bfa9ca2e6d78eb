"""The bodies of adapters, a file for a function, or for a function and two layouts.

Where the host has to be shown a structure, an adapter borrows bytes of memory that neither the
arguments nor the buffers they point to touch, and restores them before it returns. What would trap
in it, a structure that is not wholly inside the memory, is an invalid_argument to the guest.

What only some pairs of ABIs need, of which a body has a part, is in the folder of pieces beside
this one, a file for each of PIECES in text.py.
"""
