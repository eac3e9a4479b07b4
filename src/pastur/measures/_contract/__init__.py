"""What every measure is and does: the contract, checked arguments, images and sums."""
