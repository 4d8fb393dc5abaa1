"""Where targets are kept."""
