//! Accounts and privileges in one canonical form, read from SHOW GRANTS and SHOW CREATE USER.
