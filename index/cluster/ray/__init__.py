"""What Ray does: shards that are open in its actors, workers, embedding."""
