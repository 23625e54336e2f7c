// Handoffs, rotations and alerts.
