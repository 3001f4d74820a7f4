"""How networks are trained: the loop, its optimisers, checkpoints, and batches fetched ahead."""
