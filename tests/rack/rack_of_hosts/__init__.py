"""Hosts on one machine: network namespaces on a bridge. The command is tests/rack/rack."""
