"""What the shop's people remember: earlier incidents, also those where the cure was wrong."""
