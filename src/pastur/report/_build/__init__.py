"""How the page is built."""
