"""Adapters: functions that a guest calls by one ABI and that call the host by another."""
