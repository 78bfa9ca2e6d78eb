"""The bodies of adapters, one file per function, or per function and pair of layouts.

If the host needs a structure that the guest does not have, the adapter builds it in borrowed bytes
of the guest's memory: bytes that overlap neither the arguments nor the buffers they point to. It
restores them before it returns. If a structure of the guest is not entirely inside the memory, the
adapter returns invalid_argument instead of trapping.

Parts that only some pairs of ABIs need are in the folder `pieces` beside this one, one file for
each of PIECES in text.py.
"""
