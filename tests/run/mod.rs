//! Tests of the run side.
