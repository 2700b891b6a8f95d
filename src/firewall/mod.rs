//! Packet filters of four kinds: what they let in now, what has to change, and how that is made undoable.
