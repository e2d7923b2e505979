//! Tests of the cli side.
