"""What hosts and guests are, as data: the ABIs, and the hosts."""
