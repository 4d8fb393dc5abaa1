"""What guesses policy and value: one contract, three kinds, and how one is built."""
