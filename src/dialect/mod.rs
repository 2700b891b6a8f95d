//! The words of each server family and version. No other module asks for a version.
