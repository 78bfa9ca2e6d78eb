"""set_input and get_output without a host call, for tensors that a guest uses again and again.

In Python, a host call and finding the guest's memory take longer than copying a small tensor. So
two small modules sit between the guest and the host. The guest imports its set_input and get_output
from the first module, calls.*.wat, where they go through a table that leads to the host. The second
module, copies.*.wat, is instantiated after the guest, because it imports the guest's memory; it
puts its own functions into that table. They copy a tensor that has an entry in the arena
(runtime_shim.host.shared_tensors), and leave everything else, including errors, to the host.
"""
