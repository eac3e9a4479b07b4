"""What is given: the spectrum, and what its entries show."""
