#!/bin/sh
# Runs a program without any network interface: the vault's whole unit suite passes so. Where the kernel lets nobody
# make a network namespace, it says so and runs it as it is.
if unshare --map-root-user --net true 2>/dev/null; then
	exec unshare --map-root-user --net "$@"
fi
echo "no network namespace to be had here: running with the network" >&2
exec "$@"
