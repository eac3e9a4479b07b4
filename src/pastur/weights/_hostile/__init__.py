"""What protects from a hostile file: budgets, bounded reading, sound archives, checked numbers."""
