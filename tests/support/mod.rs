//! Tests of the support side.
