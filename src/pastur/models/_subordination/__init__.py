"""The function ω behind a law of signal plus noise, and the laws made from it."""
