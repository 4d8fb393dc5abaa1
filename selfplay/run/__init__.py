"""What a run is: the names of its files, its checkpoints, its metrics."""
