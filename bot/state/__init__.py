"""The conversation log in Redis and its projections: tracker store, lease, feed."""
