"""Running the installation: checks, health, storage, errands, photos from and to folders."""
