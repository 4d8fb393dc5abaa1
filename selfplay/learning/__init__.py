"""What distils the targets into the network."""
