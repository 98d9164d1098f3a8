"""Classical operations on pixels: numpy, OpenCV and Pillow, no learned weights."""
