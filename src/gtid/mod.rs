//! Global transaction ids: sets of MySQL and positions of MariaDB, and what they prove about two servers.
