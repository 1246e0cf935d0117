"""What programs are answered: JSON, feeds, files."""
