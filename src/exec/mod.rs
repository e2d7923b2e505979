//! How one attempt is carried out on this machine: process groups, timeouts, TERM → grace → KILL. Knows no plan.
