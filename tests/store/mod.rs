//! Tests of the store side.
