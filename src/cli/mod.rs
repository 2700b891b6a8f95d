//! The command line: one module per subcommand, exit codes in `exit`.
