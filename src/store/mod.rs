//! The journal and its projections in SQLite: the only place that names rusqlite. Decides nothing.
