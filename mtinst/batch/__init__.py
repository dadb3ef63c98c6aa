"""Many songs: on this machine or on a cluster, each done once."""
