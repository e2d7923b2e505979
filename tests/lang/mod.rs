//! Tests of the lang side.
