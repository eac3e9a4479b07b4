"""Block tridiagonal chains with the spectrum of signal plus noise, and their outliers."""
