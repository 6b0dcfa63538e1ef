"""Independent computations that the library is held against."""
