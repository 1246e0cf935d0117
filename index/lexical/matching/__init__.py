"""Which passages hold what was asked, and how well."""
