//! The plan: steps with reasons, risks, order, and what waits or is refused. Pure values.
