"""An archive that is divided into shards, each an archive by itself, and searched as one."""
