"""Random small models through a guest, compared with the runtimes called directly.

python -m tests.differential --seconds 60
python -m tests.differential --seconds 0 --seed 17   one model, that of a finding
"""
