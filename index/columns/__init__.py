"""What filters, counts and facets are made of."""
