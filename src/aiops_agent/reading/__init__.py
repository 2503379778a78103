"""What does an alert say: of whom, and what? Read from its expression, labels and words."""
