//! Connections to hosts: ssh, sudo, scripts, byte streams, and SQL through them.
