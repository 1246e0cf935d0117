"""What is told of the articles that were found."""
