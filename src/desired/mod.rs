//! What the files ask for, host by host: a pure function of inventory, playbook and the hosts' own identity.
