"""How targets are made: operators that improve on the network's own output."""
