"""Which disks are protected: what policies, snapshots and their age say of each disk."""
