"""set_input and get_output without a host call, for tensors that a guest uses again and again.

A host call and finding the guest's memory take Python longer than a small tensor takes to copy. So
two small modules stand between the guest and the host. The guest imports its set_input and
get_output from the first, calls.*.wat, in which they go through a table that leads to the host. The
second, copies.*.wat, is instantiated after the guest, because it imports the guest's memory;
it puts functions of its own into that table. They copy a tensor that has an entry in the arena
(runtime_shim.host.shared_tensors), and leave everything else, errors too, to the host.
"""
