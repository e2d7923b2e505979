//! The kernel: inputs → `decide` → committed events → `apply` → commands. Reaches the world only through `port`.
