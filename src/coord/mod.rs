//! Pure steps of what runs share: locks and pools. Their rows live in the store; no IO here.
