//! Executes a plan: locks, guards, one module per family of steps, journal, and the proof that the new plan is empty.
