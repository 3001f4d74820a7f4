"""What is looked into beside the tables: settings, readings of a paper, what its parts do."""
