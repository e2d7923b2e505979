//! The only source of what expressions read from outside: git, files, processes, programs, report readers.
