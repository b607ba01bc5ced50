"""WiFi links for conman: see README.md for the settings."""
