"""What the networks see in photos: analysing, keeping the results, seeing again, explaining."""
