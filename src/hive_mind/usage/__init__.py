"""Real use: what was asked, what was answered and what became of it, kept on this machine for tomorrow's training."""
