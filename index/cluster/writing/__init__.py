"""Makes and writes shards, here and on other machines."""
