//! Arguments, exit codes and wiring: one command, one file under `cmd`. The only layer that knows all others.
